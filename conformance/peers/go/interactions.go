// interactions.go -- interactions through Google's SDK for Go.
// SPDX-License-Identifier: MIT
package main

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"google.golang.org/genai"
	"google.golang.org/genai/interactions/models/apierrors"
	"google.golang.org/genai/interactions/models/interactions"
	"google.golang.org/genai/interactions/models/operations"
	"google.golang.org/genai/interactions/types/stream"
)

var interactionOperations = []operation{
	{"interactions.create", interactionsCreate},
	{"interactions.stream", interactionsStream},
	{"interactions.chain", interactionsChain},
	{"interactions.get", interactionsGet},
	{"interactions.background", interactionsBackground},
	{"interactions.resume", interactionsResume},
	{"interactions.cancel", interactionsCancel},
	{"interactions.delete", interactionsDelete},
	{"interactions.function", interactionsFunction},
	{"interactions.long_decode", interactionsLongDecode},
	{"interactions.error", interactionsError},
	{"interactions.model_error", interactionsModelError},
	{"interactions.error.401", func(ctx context.Context) error {
		return interactionsFault(ctx, "status=401", "authentication")
	}},
	{"interactions.error.403", func(ctx context.Context) error {
		return interactionsFault(ctx, "status=403", "permission_denied")
	}},
}

type (
	interaction = interactions.Interaction
	creation    = interactions.CreateModelInteraction
	events      = *stream.EventStream[interactions.InteractionSSEStreamEvent]
)

func create(ctx context.Context, prompt string, fields creation) (*operations.CreateInteractionResponse, error) {
	if fields.Model == "" {
		fields.Model = interactions.Model(text())
	}
	if fields.Input == nil {
		fields.Input = genai.Ptr(interactions.NewInteractionsInput(prompt))
	}
	return api(ctx).Interactions.Create(ctx,
		operations.CreateInteractionRequest{Body: operations.NewCreateInteractionRequestBody(fields)})
}

func interact(ctx context.Context, prompt string, fields creation) (*interaction, error) {
	answer, err := create(ctx, prompt, fields)
	if err != nil {
		return nil, err
	}
	if answer.Interaction == nil || answer.Interaction.ID == nil {
		return nil, errors.New("there is no interaction, or it has no id")
	}
	return answer.Interaction, nil
}

func get(ctx context.Context, id string, request operations.GetInteractionByIDRequest) (*interaction, error) {
	request.ID = id
	answer, err := api(ctx).Interactions.Get(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.Interaction, nil
}

func outputText(one *interaction) string {
	var whole strings.Builder
	for _, step := range one.Steps {
		if step.ModelOutputStep == nil {
			continue
		}
		for _, piece := range step.ModelOutputStep.Content {
			whole.WriteString(piece.TextContent.GetText())
		}
	}
	return whole.String()
}

func count(tokens *int) int {
	if tokens == nil {
		return 0
	}
	return *tokens
}

func checkTokens(usage *interactions.Usage) error {
	if usage == nil {
		return errors.New("there is no usage")
	}
	sum := count(usage.TotalInputTokens) + count(usage.TotalOutputTokens) + count(usage.TotalThoughtTokens) +
		count(usage.TotalToolUseTokens)
	return cmp.Or(expect(sum > 0, "nothing is counted"), same(count(usage.TotalTokens), sum, "the total of tokens"))
}

func checkInteraction(one *interaction, err error) error {
	if err != nil {
		return err
	}
	return cmp.Or(same(one.Status, interactions.InteractionStatusCompleted, "the status"), checkTokens(one.Usage),
		expect(outputText(one) != "", "there is no text"))
}

func isBusy(one *interaction) bool {
	return one.Status == interactions.InteractionStatusInProgress || one.Status == "queued"
}

func interactionsCreate(ctx context.Context) error {
	return checkInteraction(interact(ctx, cases.Prompts["short"], creation{}))
}

// drain reads a stream to its end: the text of its deltas, the ids of its events and its last interaction.
func drain(stream events) (text string, ids []string, last *interactions.InteractionSseEventInteraction, err error) {
	if stream == nil {
		return "", nil, nil, errors.New("there is no stream")
	}
	defer stream.Close()
	for stream.Next() {
		event := stream.Value()
		if delta := event.GetDataStepDelta(); delta != nil {
			if piece := delta.GetDeltaText(); piece != nil {
				text += piece.GetText()
			}
			if delta.EventID != nil {
				ids = append(ids, *delta.EventID)
			}
		}
		if end := event.GetDataInteractionCompleted(); end != nil {
			last = &end.Interaction
		}
	}
	return text, ids, last, stream.Err()
}

func interactionsStream(ctx context.Context) error {
	answer, err := create(ctx, cases.Prompts["plain"], creation{Stream: genai.Ptr(true)})
	if err != nil {
		return err
	}
	streamed, _, last, err := drain(answer.InteractionSSEStreamEvent)
	if err != nil || last == nil {
		return cmp.Or(err, errors.New("the interaction was not completed"))
	}
	whole, err := interact(ctx, cases.Prompts["plain"], creation{})
	if err != nil {
		return err
	}
	return cmp.Or(same(streamed, outputText(whole), "the streamed text"), checkTokens(last.Usage))
}

func interactionsChain(ctx context.Context) error {
	first, err := interact(ctx, "My name is Castor.", creation{})
	if err != nil {
		return err
	}
	second, err := interact(ctx, cases.Prompts["short"], creation{PreviousInteractionID: first.ID})
	if err := checkInteraction(second, err); err != nil {
		return err
	}
	alone, err := interact(ctx, cases.Prompts["short"], creation{})
	if err != nil {
		return err
	}
	return expect(*second.Usage.TotalInputTokens > *alone.Usage.TotalInputTokens, "the first one is not counted")
}

func interactionsGet(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["short"], creation{})
	if err != nil {
		return err
	}
	again, err := get(ctx, *one.ID, operations.GetInteractionByIDRequest{})
	if err != nil {
		return err
	}
	whole, err := get(ctx, *one.ID, operations.GetInteractionByIDRequest{IncludeInput: genai.Ptr(true)})
	if err != nil {
		return err
	}
	return cmp.Or(same(outputText(again), outputText(one), "the text"),
		expect(whole.Steps[0].UserInputStep != nil, "the first step with the input is %s", whole.Steps[0].Type))
}

func interactionsBackground(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["short"], creation{Background: genai.Ptr(true)})
	if err != nil {
		return err
	}
	if err := expect(isBusy(one), "it is born %s", one.Status); err != nil {
		return err
	}
	return checkInteraction(waitFor(ctx,
		func() (*interaction, error) { return get(ctx, *one.ID, operations.GetInteractionByIDRequest{}) },
		func(now *interaction) bool { return !isBusy(now) }))
}

func interactionsResume(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["plain"], creation{Background: genai.Ptr(true)})
	if err != nil {
		return err
	}
	request := operations.GetInteractionByIDRequest{ID: *one.ID, Stream: genai.Ptr(true)}
	answer, err := api(ctx).Interactions.Get(ctx, request)
	if err != nil {
		return err
	}
	_, ids, _, err := drain(answer.InteractionSSEStreamEvent)
	if err != nil || len(ids) < 2 {
		return cmp.Or(err, expect(false, "%d events have an id", len(ids)))
	}
	request.LastEventID = &ids[0]
	answer, err = api(ctx).Interactions.Get(ctx, request)
	if err != nil {
		return err
	}
	_, rest, _, err := drain(answer.InteractionSSEStreamEvent)
	return cmp.Or(err, sameList(rest, ids[1:], "the events after the first"))
}

func interactionsCancel(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["long"], creation{Background: genai.Ptr(true)})
	if err != nil {
		return err
	}
	answer, err := api(ctx).Interactions.Cancel(ctx, operations.CancelInteractionByIDRequest{ID: *one.ID})
	if err != nil {
		return err
	}
	return same(answer.Interaction.Status, interactions.InteractionStatusCancelled, "the status")
}

func interactionsDelete(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["short"], creation{})
	if err != nil {
		return err
	}
	if _, err := api(ctx).Interactions.Delete(ctx, operations.DeleteInteractionRequest{ID: *one.ID}); err != nil {
		return err
	}
	_, err = get(ctx, *one.ID, operations.GetInteractionByIDRequest{})
	refusal, err := raises[*apierrors.GetInteractionByIDClientError](err)
	return cmp.Or(err, same(refusalCode(refusal), "not_found", "the code"))
}

func refusalCode(refusal *apierrors.GetInteractionByIDClientError) string {
	if refusal == nil || refusal.Error_.Code == nil {
		return ""
	}
	return *refusal.Error_.Code
}

func interactionsFunction(ctx context.Context) error {
	tool := []interactions.Tool{interactions.NewTool(interactions.Function{
		Name: genai.Ptr("get_weather"), Description: genai.Ptr("Tells the weather in a city."),
		Parameters: map[string]any{"type": "object", "required": []string{"city"},
			"properties": map[string]any{"city": map[string]any{"type": "string"}}}})}
	one, err := interact(ctx, cases.Prompts["weather"], creation{Tools: tool})
	if err != nil {
		return err
	}
	var call *interactions.FunctionCallStep
	for _, step := range one.Steps {
		call = cmp.Or(call, step.FunctionCallStep)
	}
	if call == nil {
		return expect(false, "nothing was called; it is %s", one.Status)
	}
	result := interactions.NewStep(interactions.FunctionResultStep{
		CallID: call.ID, Name: &call.Name, Result: interactions.NewFunctionResultStepResultUnion("21 degrees")})
	two, err := interact(ctx, "", creation{PreviousInteractionID: one.ID, Tools: tool,
		Input: genai.Ptr(interactions.NewInteractionsInput([]interactions.Step{result}))})
	if err := checkInteraction(two, err); err != nil {
		return err
	}
	return cmp.Or(same(one.Status, interactions.InteractionStatusRequiresAction, "the first status"),
		expect(strings.Contains(outputText(two), "21"), "the answer does not use the result: %s", outputText(two)))
}

func interactionsLongDecode(ctx context.Context) error {
	one, err := interact(ctx, cases.Prompts["long"], creation{Model: interactions.Model(cases.Models["long"]),
		GenerationConfig: &interactions.GenerationConfig{MaxOutputTokens: genai.Ptr(100000)}})
	if err := checkInteraction(one, err); err != nil {
		return err
	}
	return expect(count(one.Usage.TotalOutputTokens) > 65536, "%d tokens fit into one request, so nothing was continued",
		count(one.Usage.TotalOutputTokens))
}

func createRefused(err error, code string) error {
	refusal, err := raises[*apierrors.CreateInteractionClientError](err)
	if err != nil {
		return err
	}
	return cmp.Or(expect(refusal.Error_.Code != nil, "there is no code"), same(*refusal.Error_.Code, code, "the code"))
}

func interactionsError(ctx context.Context) error {
	_, err := create(ctx, "Hi", creation{Store: genai.Ptr(false), Background: genai.Ptr(true)})
	return createRefused(err, "invalid_request")
}

func interactionsModelError(ctx context.Context) error {
	_, err := create(ctx, "Hi", creation{Model: interactions.Model(cases.Models["unknown"])})
	return createRefused(err, "model_not_found")
}

func interactionsFault(ctx context.Context, fault, code string) error {
	client, err := clientOf(ctx, "", fault, genai.HTTPOptions{})
	if err != nil {
		return err
	}
	_, err = client.Interactions.Create(ctx, operations.CreateInteractionRequest{
		Body: operations.NewCreateInteractionRequestBody(creation{Model: interactions.Model(text()),
			Input: genai.Ptr(interactions.NewInteractionsInput("Hi"))})})
	return createRefused(err, code)
}
