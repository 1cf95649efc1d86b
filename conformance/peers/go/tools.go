// tools.go -- chats and functions through Google's SDK for Go.
// SPDX-License-Identifier: MIT
package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/genai"
)

var toolOperations = []operation{
	{"chat.turns", chatTurns},
	{"chat.stream", chatStream},
	{"tools.call", toolsCall},
	{"tools.round_trip", toolsRoundTrip},
	{"tools.parallel", toolsParallel},
	{"tools.stream", toolsStream},
	{"tools.any", toolsAny},
	{"tools.unsigned", toolsUnsigned},
}

func declaration(name string) *genai.FunctionDeclaration {
	return &genai.FunctionDeclaration{
		Name: name, Description: "Tells something about a city.",
		Parameters: &genai.Schema{
			Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}},
			Required: []string{"city"}},
	}
}

func tools(mode genai.FunctionCallingConfigMode, names ...string) *settings {
	tool := &genai.Tool{}
	for _, name := range names {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, declaration(name))
	}
	return &settings{Tools: []*genai.Tool{tool},
		ToolConfig: &genai.ToolConfig{FunctionCallingConfig: &genai.FunctionCallingConfig{Mode: mode}}}
}

func answerCall(call *genai.FunctionCall, value any) *genai.Part {
	return &genai.Part{FunctionResponse: &genai.FunctionResponse{
		ID: call.ID, Name: call.Name, Response: map[string]any{"value": value}}}
}

func chat(ctx context.Context, config *settings) *genai.Chat {
	talk, err := api(ctx).Chats.Create(ctx, text(), config, nil)
	if err != nil {
		panic(err)
	}
	return talk
}

func chatTurns(ctx context.Context) error {
	talk := chat(ctx, nil)
	if err := checkAnswer(talk.Send(ctx, genai.NewPartFromText(cases.Prompts["short"]))); err != nil {
		return err
	}
	second, err := talk.Send(ctx, genai.NewPartFromText(cases.Prompts["plain"]))
	if err := checkAnswer(second, err); err != nil {
		return err
	}
	alone, err := ask(ctx, cases.Prompts["plain"], nil)
	if err != nil {
		return err
	}
	return cmp.Or(same(len(talk.History(true)), 4, "the turns of the history"),
		expect(second.UsageMetadata.PromptTokenCount > alone.UsageMetadata.PromptTokenCount,
			"the first turn does not count in the second prompt"))
}

func chatStream(ctx context.Context) error {
	talk := chat(ctx, nil)
	if err := checkAnswer(talk.Send(ctx, genai.NewPartFromText(cases.Prompts["short"]))); err != nil {
		return err
	}
	chunks, err := collect(talk.SendStream(ctx, genai.NewPartFromText(cases.Prompts["plain"])))
	if err := cmp.Or(err, checkChunks(chunks)); err != nil {
		return err
	}
	return checkAnswer(talk.Send(ctx, genai.NewPartFromText(cases.Prompts["short"])))
}

func toolsCall(ctx context.Context) error {
	answer, err := ask(ctx, cases.Prompts["weather"], tools(genai.FunctionCallingConfigModeAuto, "get_weather"))
	if err != nil {
		return err
	}
	calls := answer.FunctionCalls()
	if len(calls) != 1 {
		return expect(false, "there are %d calls, not 1", len(calls))
	}
	_, isText := calls[0].Args["city"].(string)
	return cmp.Or(same(calls[0].Name, "get_weather", "the function"),
		expect(isText, "the arguments are %v", calls[0].Args), expect(calls[0].ID != "", "the call has no id"),
		same(answer.Candidates[0].FinishReason, genai.FinishReasonStop, "the finish reason"),
		expect(len(answer.Candidates[0].Content.Parts[0].ThoughtSignature) > 0, "the call has no thought signature"))
}

func toolsRoundTrip(ctx context.Context) error {
	talk := chat(ctx, tools(genai.FunctionCallingConfigModeAuto, "get_weather"))
	answer, err := talk.Send(ctx, genai.NewPartFromText(cases.Prompts["weather"]))
	if err != nil {
		return err
	}
	calls := answer.FunctionCalls()
	if len(calls) == 0 {
		return errors.New("nothing was called")
	}
	final, err := talk.Send(ctx, answerCall(calls[0], 21))
	if err := checkAnswer(final, err); err != nil {
		return err
	}
	return expect(strings.Contains(final.Text(), "21"), "the answer does not use the response: %s", final.Text())
}

func toolsParallel(ctx context.Context) error {
	talk := chat(ctx, tools(genai.FunctionCallingConfigModeAuto, "get_weather", "get_time"))
	answer, err := talk.Send(ctx, genai.NewPartFromText(cases.Prompts["two_functions"]))
	if err != nil {
		return err
	}
	calls := answer.FunctionCalls()
	if len(calls) != 2 {
		return expect(false, "there are %d calls, not 2", len(calls))
	}
	names := []string{calls[0].Name, calls[1].Name}
	slices.Sort(names)
	err = cmp.Or(sameList(names, []string{"get_time", "get_weather"}, "the functions"),
		expect(calls[0].ID != calls[1].ID, "both calls have the id %q", calls[0].ID))
	if err != nil {
		return err
	}
	return checkAnswer(talk.Send(ctx, answerCall(calls[0], "12:34"), answerCall(calls[1], "12:34")))
}

func toolsStream(ctx context.Context) error {
	talk := chat(ctx, tools(genai.FunctionCallingConfigModeAuto, "get_weather"))
	chunks, err := collect(talk.SendStream(ctx, genai.NewPartFromText(cases.Prompts["weather"])))
	if err != nil {
		return err
	}
	var calls []*genai.FunctionCall
	for _, chunk := range chunks {
		calls = append(calls, chunk.FunctionCalls()...)
	}
	if len(calls) != 1 {
		return expect(false, "there are %d calls, not 1", len(calls))
	}
	rest, err := collect(talk.SendStream(ctx, answerCall(calls[0], 21)))
	return cmp.Or(err, expect(strings.Contains(joined(rest), "21"), "the response is not used: %s", joined(rest)))
}

func toolsAny(ctx context.Context) error {
	answer, err := ask(ctx, "Hum a tune.", tools(genai.FunctionCallingConfigModeAny, "get_weather"))
	if err != nil {
		return err
	}
	return same(len(answer.FunctionCalls()), 1, "the number of calls")
}

func toolsUnsigned(ctx context.Context) error {
	call := genai.NewPartFromFunctionCall("get_weather", map[string]any{"city": "Paris"})
	result := genai.NewPartFromFunctionResponse("get_weather", map[string]any{"celsius": 21})
	turns := slices.Concat(genai.Text(cases.Prompts["weather"]), []*genai.Content{
		genai.NewContentFromParts([]*genai.Part{call}, genai.RoleModel),
		genai.NewContentFromParts([]*genai.Part{result}, genai.RoleUser)})
	declared := tools(genai.FunctionCallingConfigModeAuto, "get_weather")
	_, err := api(ctx).Models.GenerateContent(ctx, text(), turns, declared)
	refusal, err := raises[genai.APIError](err)
	return cmp.Or(err, same(refusal.Code, 400, "the code"), same(refusal.Status, "INVALID_ARGUMENT", "the status"),
		expect(strings.Contains(refusal.Message, "thought_signature"), "the message is %s", refusal.Message))
}
