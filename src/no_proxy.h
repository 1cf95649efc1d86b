/* no_proxy.h -- which hosts are spoken to without a proxy. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_NO_PROXY_H
#define CST_NO_PROXY_H

#include "base.h"

/*
 * Whether `list` has the host of `url`. Entries are separated by commas or blanks: "*" is every host; a name is itself
 * and all names below it, also as ".name" or "*.name"; an address is itself, IPv6 with or without brackets; each with
 * ":port" that port only. Networks ("10.0.0.0/8") are libcurl's business.
 *
 * There is no standard for this. libcurl 7.88.1 knows neither ports nor "*.name", which other programs do.
 */
bool cst_no_proxy_has(castor_str list, castor_str url);

#endif
