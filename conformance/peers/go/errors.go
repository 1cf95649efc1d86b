// errors.go -- the errors that Google's SDK for Go gives.
// SPDX-License-Identifier: MIT
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"
)

// errorOperations are made when the cases have been read.
func errorOperations() []operation {
	var list []operation
	for _, one := range cases.Errors {
		list = append(list,
			operation{one.Operation, func(ctx context.Context) error { return provoke(ctx, one, whole) }},
			operation{one.Operation + ".stream", func(ctx context.Context) error { return provoke(ctx, one, pieces) }})
	}
	if os.Getenv("POLLUX_LIMITED_URL") != "" { // one request a minute for each key; in the clear only
		list = append(list, operation{"error.quota", errorQuota})
	}
	for _, form := range []string{"event", "indented", "line"} {
		list = append(list, operation{"error.mid_stream." + form,
			func(ctx context.Context) error { return errorMidStream(ctx, form) }})
	}
	return append(list, operation{"error.field", errorField}, operation{"error.retried", errorRetried})
}

type send func(ctx context.Context, client *genai.Client, model string, contents []*genai.Content) error

func whole(ctx context.Context, client *genai.Client, model string, contents []*genai.Content) error {
	_, err := client.Models.GenerateContent(ctx, model, contents, nil)
	return err
}

func pieces(ctx context.Context, client *genai.Client, model string, contents []*genai.Content) error {
	_, err := collect(client.Models.GenerateContentStream(ctx, model, contents, nil))
	return err
}

// provoke sends the call that must fail as the case says.
func provoke(ctx context.Context, one errorCase, call send) error {
	client, err := clientOf(ctx, one.Key, one.Fault, genai.HTTPOptions{})
	if err != nil {
		return err
	}
	contents := []*genai.Content{{Role: cmp.Or(one.Role, "user"), Parts: []*genai.Part{{Text: cases.Prompts["short"]}}}}
	refusal, err := raises[genai.APIError](call(ctx, client, cases.Models[cmp.Or(one.Model, "text")], contents))
	if err != nil {
		return err
	}
	err = cmp.Or(same(refusal.Code, one.Code, "the code"), same(refusal.Status, one.Status, "the status"),
		expect(refusal.Message != "", "the error has no message"))
	if err != nil || one.Code != 429 {
		return err
	}
	hasRetry := slices.ContainsFunc(refusal.Details, func(detail map[string]any) bool {
		kind, _ := detail["@type"].(string)
		return strings.HasSuffix(kind, ".RetryInfo")
	})
	return expect(hasRetry, "the details are without RetryInfo: %v", refusal.Details)
}

func errorField(ctx context.Context) error {
	client, err := clientOf(ctx, "", "", genai.HTTPOptions{ExtraBody: map[string]any{"foo": 1}})
	if err != nil {
		return err
	}
	refusal, err := raises[genai.APIError](whole(ctx, client, text(), genai.Text("Hi")))
	return cmp.Or(err, same(refusal.Code, 400, "the code"),
		expect(strings.Contains(refusal.Message, `Unknown name "foo"`), "the message is %s", refusal.Message))
}

func errorQuota(ctx context.Context) error {
	client, err := genai.NewClient(ctx, &genai.ClientConfig{APIKey: "quota-go", Backend: genai.BackendGeminiAPI,
		HTTPOptions: genai.HTTPOptions{BaseURL: os.Getenv("POLLUX_LIMITED_URL")}})
	if err != nil {
		return err
	}
	if err := whole(ctx, client, text(), genai.Text(cases.Prompts["short"])); err != nil {
		return err
	}
	refusal, err := raises[genai.APIError](whole(ctx, client, text(), genai.Text(cases.Prompts["short"])))
	return cmp.Or(err, same(refusal.Code, 429, "the code"), same(refusal.Status, "RESOURCE_EXHAUSTED", "the status"),
		expect(strings.Contains(refusal.Error(), "RequestsPerMinute"), "the details are %v", refusal.Details))
}

func errorMidStream(ctx context.Context, form string) error {
	client, err := clientOf(ctx, "", form, genai.HTTPOptions{})
	if err != nil {
		return err
	}
	chunks, err := collect(client.Models.GenerateContentStream(ctx, text(), genai.Text(cases.Prompts["plain"]), nil))
	refusal, err := raises[genai.APIError](err)
	return cmp.Or(err, expect(len(chunks) > 0, "nothing came before the error"), same(refusal.Code, 503, "the code"))
}

func errorRetried(ctx context.Context) error {
	// A key that nobody else uses: pollux counts by it how often a fault still has to happen.
	key := fmt.Sprintf("once-%d-%d", os.Getpid(), time.Now().UnixNano())
	client, err := clientOf(ctx, key, "retry", genai.HTTPOptions{RetryOptions: &genai.HTTPRetryOptions{
		Attempts: genai.Ptr[int32](3), InitialDelay: genai.Ptr(0.05)}})
	if err != nil {
		return err
	}
	return checkAnswer(client.Models.GenerateContent(ctx, text(), genai.Text(cases.Prompts["short"]), nil))
}
