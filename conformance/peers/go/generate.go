// generate.go -- generateContent, countTokens, embeddings and models through Google's SDK for Go.
// SPDX-License-Identifier: MIT
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"

	"google.golang.org/genai"
)

// clientOf makes a client with a key and with the fault that cases.json calls so ("" for none).
func clientOf(ctx context.Context, key, fault string, options genai.HTTPOptions) (*genai.Client, error) {
	options.BaseURL = os.Getenv("POLLUX_URL")
	if fault != "" {
		options.Headers = http.Header{cases.FaultHeader: {cmp.Or(cases.Faults[fault], fault)}}
	}
	return genai.NewClient(ctx, &genai.ClientConfig{
		APIKey: cmp.Or(key, cases.Key), Backend: genai.BackendGeminiAPI, HTTPOptions: options})
}

// api is the plain client; what cannot fail with our own settings ends the operation.
func api(ctx context.Context) *genai.Client {
	client, err := clientOf(ctx, "", "", genai.HTTPOptions{})
	if err != nil {
		panic(err)
	}
	return client
}

func text() string { return cases.Models["text"] }

type (
	reply    = genai.GenerateContentResponse
	settings = genai.GenerateContentConfig
)

func ask(ctx context.Context, prompt string, config *settings) (*reply, error) {
	return api(ctx).Models.GenerateContent(ctx, text(), genai.Text(prompt), config)
}

func checkUsage(usage *genai.GenerateContentResponseUsageMetadata) error {
	if usage == nil {
		return errors.New("there is no usage")
	}
	sum := usage.PromptTokenCount + usage.CandidatesTokenCount + usage.ThoughtsTokenCount + usage.ToolUsePromptTokenCount
	return cmp.Or(
		expect(usage.PromptTokenCount > 0, "prompt tokens are %d", usage.PromptTokenCount),
		same(usage.TotalTokenCount, sum, "the total of tokens"))
}

func checkAnswer(answer *reply, err error) error {
	if err != nil {
		return err
	}
	if len(answer.Candidates) == 0 || answer.Text() == "" {
		return errors.New("there is no text")
	}
	return cmp.Or(
		same(answer.Candidates[0].FinishReason, genai.FinishReasonStop, "the finish reason"),
		expect(answer.ModelVersion != "" && answer.ResponseID != "", "no model version or no response id"),
		checkUsage(answer.UsageMetadata))
}

func collect(stream iter.Seq2[*reply, error]) ([]*reply, error) {
	var chunks []*reply
	for chunk, err := range stream {
		if err != nil {
			return chunks, err
		}
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

func joined(chunks []*reply) string {
	var whole strings.Builder
	for _, chunk := range chunks {
		whole.WriteString(chunk.Text())
	}
	return whole.String()
}

// checkChunks is what holds for every stream.
func checkChunks(chunks []*reply) error {
	if len(chunks) < 2 {
		return expect(false, "%d chunk came, so nothing was streamed", len(chunks))
	}
	var last genai.FinishReason
	var total int32
	for _, chunk := range chunks {
		err := cmp.Or(
			same(chunk.ResponseID, chunks[0].ResponseID, "a later response id"),
			expect(chunk.UsageMetadata != nil && chunk.UsageMetadata.TotalTokenCount >= total, "the usage shrinks"),
			same(last, "", "an earlier finish reason"))
		if err != nil {
			return err
		}
		total, last = chunk.UsageMetadata.TotalTokenCount, chunk.Candidates[0].FinishReason
	}
	return cmp.Or(same(last, genai.FinishReasonStop, "the last finish reason"),
		checkUsage(chunks[len(chunks)-1].UsageMetadata))
}

func streamed(ctx context.Context, model, prompt string, config *settings) ([]*reply, error) {
	return collect(api(ctx).Models.GenerateContentStream(ctx, model, genai.Text(prompt), config))
}

var generateOperations = []operation{
	{"generate.unary", func(ctx context.Context) error { return checkAnswer(ask(ctx, cases.Prompts["plain"], nil)) }},
	{"generate.stream", generateStream},
	{"generate.abandoned", generateAbandoned},
	{"generate.versions", generateVersions},
	{"generate.system", generateSystem},
	{"generate.image", generateImage},
	{"generate.max_tokens", generateMaxTokens},
	{"generate.stop_sequence", generateStopSequence},
	{"generate.candidates", generateCandidates},
	{"generate.thoughts", generateThoughts},
	{"generate.blocked", generateBlocked},
	{"generate.unsafe", func(ctx context.Context) error { return ends(ctx, "unsafe", genai.FinishReasonSafety) }},
	{"generate.recitation", func(ctx context.Context) error { return ends(ctx, "recited", genai.FinishReasonRecitation) }},
	{"generate.long_decode", generateLongDecode},
	{"count.tokens", countTokens},
	{"json.schema", jsonSchema},
	{"json.enum", jsonEnum},
	{"embed.one", embedOne},
	{"embed.many", embedMany},
	{"models.list", modelsList},
	{"models.paging", modelsPaging},
	{"models.get", modelsGet},
}

func generateStream(ctx context.Context) error {
	chunks, err := streamed(ctx, text(), cases.Prompts["plain"], nil)
	if err != nil {
		return err
	}
	whole, err := ask(ctx, cases.Prompts["plain"], nil)
	if err != nil {
		return err
	}
	return cmp.Or(checkChunks(chunks), same(joined(chunks), whole.Text(), "the streamed text"))
}

func generateAbandoned(ctx context.Context) error {
	client := api(ctx)
	for chunk, err := range client.Models.GenerateContentStream(ctx, text(), genai.Text(cases.Prompts["plain"]), nil) {
		if err != nil || len(chunk.Candidates) == 0 {
			return cmp.Or(err, errors.New("the first chunk is empty"))
		}
		break
	}
	return checkAnswer(client.Models.GenerateContent(ctx, text(), genai.Text(cases.Prompts["short"]), nil))
}

func generateVersions(ctx context.Context) error {
	for _, version := range []string{"v1", "v1beta", "v1alpha"} {
		client, err := clientOf(ctx, "", "", genai.HTTPOptions{APIVersion: version})
		if err != nil {
			return err
		}
		answer, err := client.Models.GenerateContent(ctx, "models/"+text(), genai.Text(cases.Prompts["short"]), nil)
		if err := checkAnswer(answer, err); err != nil {
			return err
		}
	}
	return nil
}

func generateSystem(ctx context.Context) error {
	return checkAnswer(ask(ctx, cases.Prompts["plain"], &settings{
		SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser),
		Temperature:       genai.Ptr[float32](0.2), TopP: genai.Ptr[float32](0.9), Seed: genai.Ptr[int32](7),
		SafetySettings: []*genai.SafetySetting{
			{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockOnlyHigh}},
	}))
}

func generateImage(ctx context.Context) error {
	pixel := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64)...)
	parts := []*genai.Part{genai.NewPartFromText(cases.Prompts["short"]), genai.NewPartFromBytes(pixel, "image/png")}
	answer, err := api(ctx).Models.GenerateContent(ctx, text(),
		[]*genai.Content{genai.NewContentFromParts(parts, genai.RoleUser)}, nil)
	if err := checkAnswer(answer, err); err != nil {
		return err
	}
	isImage := func(count *genai.ModalityTokenCount) bool { return count.Modality == genai.MediaModalityImage }
	return expect(slices.ContainsFunc(answer.UsageMetadata.PromptTokensDetails, isImage),
		"no tokens of the prompt are of an image")
}

func generateMaxTokens(ctx context.Context) error {
	answer, err := api(ctx).Models.GenerateContent(ctx, cases.Models["budget"], genai.Text(cases.Prompts["plain"]),
		&settings{MaxOutputTokens: 8, ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](0)}})
	if err != nil {
		return err
	}
	return cmp.Or(
		same(answer.Candidates[0].FinishReason, genai.FinishReasonMaxTokens, "the finish reason"),
		same(answer.UsageMetadata.CandidatesTokenCount, 8, "the tokens of the candidate"),
		checkUsage(answer.UsageMetadata))
}

func generateStopSequence(ctx context.Context) error {
	whole, err := ask(ctx, cases.Prompts["plain"], nil)
	if err != nil {
		return err
	}
	word := strings.Fields(whole.Text())[4]
	answer, err := ask(ctx, cases.Prompts["plain"], &settings{StopSequences: []string{word}})
	return cmp.Or(checkAnswer(answer, err),
		expect(err != nil || !strings.Contains(answer.Text(), word), "the stop sequence %q is in the text", word))
}

func generateCandidates(ctx context.Context) error {
	answer, err := api(ctx).Models.GenerateContent(ctx, cases.Models["budget"], genai.Text(cases.Prompts["plain"]),
		&settings{CandidateCount: 2})
	if err != nil {
		return err
	}
	if err := same(len(answer.Candidates), 2, "the number of candidates"); err != nil {
		return err
	}
	first, second := answer.Candidates[0], answer.Candidates[1]
	return cmp.Or(same(second.Index, 1, "the second index"),
		expect(first.Content.Parts[0].Text != second.Content.Parts[0].Text, "the two candidates are not two answers"))
}

func generateThoughts(ctx context.Context) error {
	chunks, err := streamed(ctx, text(), cases.Prompts["plain"], &settings{
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelLow}})
	if err != nil {
		return err
	}
	isThought, isSigned := false, false
	for _, chunk := range chunks {
		for _, part := range chunk.Candidates[0].Content.Parts {
			isThought = isThought || (part.Thought && part.Text != "")
			isSigned = isSigned || len(part.ThoughtSignature) > 0
		}
	}
	return cmp.Or(
		expect(isThought, "no part is a thought"), expect(isSigned, "no part has a thought signature"),
		expect(chunks[len(chunks)-1].UsageMetadata.ThoughtsTokenCount > 0, "no tokens of thoughts are counted"),
		checkChunks(chunks))
}

func generateBlocked(ctx context.Context) error {
	answer, err := ask(ctx, cases.Prompts["blocked"], nil)
	if err != nil {
		return err
	}
	return cmp.Or(same(len(answer.Candidates), 0, "the number of candidates"),
		expect(answer.PromptFeedback != nil && answer.PromptFeedback.BlockReason != "", "no block reason"),
		checkUsage(answer.UsageMetadata))
}

func ends(ctx context.Context, prompt string, reason genai.FinishReason) error {
	answer, err := ask(ctx, cases.Prompts[prompt], nil)
	if err != nil {
		return err
	}
	return same(answer.Candidates[0].FinishReason, reason, "the finish reason")
}

func generateLongDecode(ctx context.Context) error {
	chunks, err := streamed(ctx, cases.Models["long"], cases.Prompts["long"], &settings{MaxOutputTokens: 100000})
	if err != nil {
		return err
	}
	last := chunks[len(chunks)-1]
	return cmp.Or(same(last.Candidates[0].FinishReason, genai.FinishReasonStop, "the last finish reason"),
		expect(last.UsageMetadata.CandidatesTokenCount > 65536, "%d tokens fit into one request, so nothing was continued",
			last.UsageMetadata.CandidatesTokenCount))
}

func countTokens(ctx context.Context) error {
	models := api(ctx).Models
	few, err := models.CountTokens(ctx, text(), genai.Text("Say hello"), nil)
	if err != nil {
		return err
	}
	many, err := models.CountTokens(ctx, text(), genai.Text(strings.Repeat("Say hello ", 100)), nil)
	if err != nil {
		return err
	}
	answer, err := ask(ctx, strings.Repeat("Say hello ", 100), nil)
	if err != nil {
		return err
	}
	return cmp.Or(
		expect(0 < few.TotalTokens && few.TotalTokens < many.TotalTokens, "%d, %d tokens", few.TotalTokens, many.TotalTokens),
		same(answer.UsageMetadata.PromptTokenCount, many.TotalTokens, "the prompt's tokens"))
}

// ---- JSON ----

func jsonSchema(ctx context.Context) error {
	schema := &genai.Schema{
		Type: genai.TypeObject,
		Properties: map[string]*genai.Schema{
			"name":    {Type: genai.TypeString},
			"minutes": {Type: genai.TypeInteger},
			"steps":   {Type: genai.TypeArray, Items: &genai.Schema{Type: genai.TypeString}, MinItems: genai.Ptr[int64](1)},
		},
		Required: []string{"name", "minutes", "steps"},
	}
	answer, err := ask(ctx, "A recipe for bread",
		&settings{ResponseMIMEType: "application/json", ResponseSchema: schema})
	if err := checkAnswer(answer, err); err != nil {
		return err
	}
	var recipe struct {
		Name    *string
		Minutes *int
		Steps   []string
	}
	decoder := json.NewDecoder(strings.NewReader(answer.Text()))
	decoder.DisallowUnknownFields()
	return cmp.Or(decoder.Decode(&recipe),
		expect(recipe.Name != nil && recipe.Minutes != nil && len(recipe.Steps) > 0, "a field is missing: %s", answer.Text()))
}

func jsonEnum(ctx context.Context) error {
	answer, err := ask(ctx, "Is bread hard to make?", &settings{
		ResponseMIMEType: "text/x.enum",
		ResponseSchema:   &genai.Schema{Type: genai.TypeString, Enum: []string{"easy", "hard"}}})
	if err != nil {
		return err
	}
	return expect(answer.Text() == "easy" || answer.Text() == "hard", "the answer is %q", answer.Text())
}

// ---- Embeddings and models ----

func embedOne(ctx context.Context) error {
	var values [2][]float32
	for i := range values {
		answer, err := api(ctx).Models.EmbedContent(ctx, cases.Models["embedding"], genai.Text("a beaver"), nil)
		if err != nil {
			return err
		}
		values[i] = answer.Embeddings[0].Values
	}
	return cmp.Or(same(len(values[0]), 3072, "the dimensions"),
		expect(slices.Equal(values[0], values[1]), "the second embedding of the same text differs"))
}

func embedMany(ctx context.Context) error {
	contents := slices.Concat(genai.Text("a beaver"), genai.Text("a dam"), genai.Text("a beaver"))
	answer, err := api(ctx).Models.EmbedContent(ctx, cases.Models["embedding"], contents,
		&genai.EmbedContentConfig{OutputDimensionality: genai.Ptr[int32](256), TaskType: "RETRIEVAL_DOCUMENT"})
	if err != nil {
		return err
	}
	if err := same(len(answer.Embeddings), 3, "the number of embeddings"); err != nil {
		return err
	}
	first, second, third := answer.Embeddings[0].Values, answer.Embeddings[1].Values, answer.Embeddings[2].Values
	return cmp.Or(same(len(first), 256, "the dimensions"),
		expect(slices.Equal(first, third) && !slices.Equal(first, second), "the embeddings are not of their texts"))
}

func modelNames(ctx context.Context) ([]string, error) {
	var names []string
	for model, err := range api(ctx).Models.All(ctx) {
		if err != nil {
			return nil, err
		}
		names = append(names, model.Name)
	}
	return names, nil
}

func modelsList(ctx context.Context) error {
	names, err := modelNames(ctx)
	return cmp.Or(err, expect(slices.Contains(names, "models/"+text()), "%s is not among %v", text(), names))
}

func modelsPaging(ctx context.Context) error {
	wanted, err := modelNames(ctx)
	if err != nil {
		return err
	}
	var names []string
	page, err := api(ctx).Models.List(ctx, &genai.ListModelsConfig{PageSize: 2})
	for ; err == nil; page, err = page.Next(ctx) {
		if len(page.Items) > 2 {
			return expect(false, "a page has %d models, not 2", len(page.Items))
		}
		for _, model := range page.Items {
			names = append(names, model.Name)
		}
	}
	if !errors.Is(err, genai.ErrPageDone) {
		return err
	}
	return sameList(names, wanted, "the models page by page")
}

func modelsGet(ctx context.Context) error {
	model, err := api(ctx).Models.Get(ctx, text(), nil)
	if err != nil {
		return err
	}
	return cmp.Or(same(model.Name, "models/"+text(), "the name"),
		expect(model.InputTokenLimit > 100000 && model.OutputTokenLimit >= 8192, "the limits are missing"),
		expect(slices.Contains(model.SupportedActions, "generateContent"), "the actions are %v", model.SupportedActions))
}
