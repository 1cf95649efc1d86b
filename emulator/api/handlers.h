/* handlers.h -- what answers each row of surface.c's table; each is described where it is defined.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_HANDLERS_H
#define PLX_HANDLERS_H

#include "api/exchange.h"

/* control.c */
plx_exchange_fn plx_answer_health, plx_answer_clock, plx_answer_move_clock, plx_answer_stats, plx_answer_reset;
plx_exchange_fn plx_answer_model_file;

/* scripts.c */
plx_exchange_fn plx_answer_scripts, plx_answer_add_script, plx_answer_remove_scripts;

/* spoil.c */
plx_exchange_fn plx_answer_faults, plx_answer_arm_fault, plx_answer_disarm_faults;

/* models.c */
plx_exchange_fn plx_answer_models, plx_answer_model, plx_answer_predict, plx_answer_predict_long;
plx_exchange_fn plx_answer_tuned_models;

/* generate.c */
plx_exchange_fn plx_answer_generate, plx_answer_stream_generate, plx_answer_chat, plx_answer_message, plx_answer_text;

/* count.c */
plx_exchange_fn plx_answer_count_tokens, plx_answer_count_message_tokens, plx_answer_count_text_tokens;

/* uploads.c, files_api.c */
plx_exchange_fn plx_begin_upload, plx_answer_upload;
plx_exchange_fn plx_answer_files, plx_answer_file, plx_answer_file_delete, plx_answer_file_download;
plx_exchange_fn plx_answer_files_register;

/* batch_create.c, batches_api.c */
plx_exchange_fn plx_answer_batch_create, plx_answer_embed_batch_create;
plx_exchange_fn plx_answer_batches, plx_answer_batch, plx_answer_batch_cancel, plx_answer_batch_delete;
plx_exchange_fn plx_answer_batch_update;

/* caches_api.c */
plx_exchange_fn plx_answer_cache_create, plx_answer_caches, plx_answer_cache, plx_answer_cache_patch;
plx_exchange_fn plx_answer_cache_delete;

/* interactions.c */
plx_exchange_fn plx_answer_create_interaction, plx_answer_get_interaction, plx_answer_cancel_interaction;
plx_exchange_fn plx_answer_delete_interaction;

/* embed.c */
plx_exchange_fn plx_answer_embed, plx_answer_batch_embed, plx_answer_embed_text;

/* openai.c */
plx_exchange_fn plx_answer_openai_embeddings, plx_answer_openai_models, plx_answer_openai_model;

#endif
