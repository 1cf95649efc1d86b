// main.go -- Google's SDK for Go: GenerateContentStream. A case is one line of JSON on standard input, what came of it
// one line on standard output; README.md has the fields.
// SPDX-License-Identifier: MIT
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"
	"unicode/utf8"

	"google.golang.org/genai"
)

const textMax = 100_000 // bytes; of a longer text the length and the hash are told

type question struct {
	URL, Key, Model, Prompt string
	Tools                   bool
	TimeoutS                int `json:"timeout_s"`
	Candidates              int32
	Before                  *struct { // the first of two questions
		Prompt string
		Leave  bool
		PauseS float64 `json:"pause_s"`
	}
}

type failure struct {
	Class   string `json:"class"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// What a caller of the client got to see.
type seen struct {
	texts      map[int32]string
	thought    string
	finish     map[int32]string
	block      string
	calls      [][2]any
	signatures []string
	usage      *int32
}

func newSeen() *seen {
	return &seen{texts: map[int32]string{}, finish: map[int32]string{}, calls: [][2]any{}, signatures: []string{}}
}

func tellText(text string) any {
	if len(text) <= textMax {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return map[string]any{"length": utf8.RuneCountInString(text), "sha256": hex.EncodeToString(sum[:])}
}

func (s *seen) takePart(part *genai.Part, candidate int32) {
	if len(part.ThoughtSignature) > 0 {
		s.signatures = append(s.signatures, base64.StdEncoding.EncodeToString(part.ThoughtSignature))
	}
	switch {
	case part.FunctionCall != nil:
		args := part.FunctionCall.Args
		if args == nil {
			args = map[string]any{}
		}
		s.calls = append(s.calls, [2]any{part.FunctionCall.Name, args})
	case part.Thought:
		s.thought += part.Text
	default:
		s.texts[candidate] += part.Text
	}
}

func (s *seen) take(chunk *genai.GenerateContentResponse) {
	if chunk.PromptFeedback != nil {
		s.block = string(chunk.PromptFeedback.BlockReason)
	}
	if chunk.UsageMetadata != nil && chunk.UsageMetadata.TotalTokenCount != 0 {
		s.usage = &chunk.UsageMetadata.TotalTokenCount
	}
	for _, candidate := range chunk.Candidates {
		if candidate.Content != nil {
			for _, part := range candidate.Content.Parts {
				s.takePart(part, candidate.Index)
			}
		}
		if candidate.FinishReason != "" {
			s.finish[candidate.Index] = string(candidate.FinishReason)
		}
	}
}

func tellError(err error) *failure {
	if err == nil {
		return nil
	}
	told := &failure{Class: fmt.Sprintf("%T", err), Message: err.Error()}
	var refused genai.APIError
	if errors.As(err, &refused) {
		told.Code = fmt.Sprint(refused.Code)
		details, _ := json.Marshal(refused.Details)
		told.Message += " | " + string(details)
	}
	if len(told.Message) > 8000 {
		told.Message = told.Message[:8000]
	}
	return told
}

func options(one question) *genai.ClientConfig {
	config := &genai.ClientConfig{APIKey: one.Key, Backend: genai.BackendGeminiAPI,
		HTTPOptions: genai.HTTPOptions{BaseURL: one.URL}}
	if one.TimeoutS > 0 {
		timeout := time.Duration(one.TimeoutS) * time.Second
		config.HTTPOptions.Timeout = &timeout
	}
	return config
}

func settings(one question) *genai.GenerateContentConfig {
	config := &genai.GenerateContentConfig{}
	if one.Candidates > 1 {
		config.CandidateCount = one.Candidates
	}
	if one.Tools {
		city := map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}}
		config.Tools = []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{
			{Name: "get_weather", Description: "get_weather", ParametersJsonSchema: city},
			{Name: "get_time", Description: "get_time", ParametersJsonSchema: city}}}}
	}
	return config
}

// Asks, and leaves at the first chunk if it is to.
func ask(client *genai.Client, one question, prompt string, leave bool, s *seen) error {
	ctx := context.Background()
	for chunk, err := range client.Models.GenerateContentStream(ctx, one.Model, genai.Text(prompt), settings(one)) {
		if err != nil {
			return err
		}
		s.take(chunk)
		if leave {
			break
		}
	}
	return nil
}

// What comes of the first of two questions is not the case's matter.
func askBefore(client *genai.Client, one question) {
	_ = ask(client, one, one.Before.Prompt, one.Before.Leave, newSeen())
	time.Sleep(time.Duration(one.Before.PauseS * float64(time.Second)))
}

func play(one question, s *seen) (begin time.Time, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	begin = time.Now()
	client, err := genai.NewClient(context.Background(), options(one))
	if err != nil {
		return begin, err
	}
	if one.Before != nil {
		askBefore(client, one)
		begin = time.Now()
	}
	return begin, ask(client, one, one.Prompt, false, s)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	fmt.Println(`{"ready": true}`)
	for lines.Scan() {
		var one question
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		s := newSeen()
		begin, err := play(one, s)
		others := map[int32]any{}
		for index, text := range s.texts {
			if index != 0 {
				others[index] = tellText(text)
			}
		}
		if err := out.Encode(map[string]any{"error": tellError(err), "seconds": time.Since(begin).Seconds(),
			"text": tellText(s.texts[0]), "others": others, "thought": tellText(s.thought), "finish": s.finish[0],
			"block": s.block, "calls": s.calls, "signatures": s.signatures, "usage": s.usage}); err != nil {
			log.Fatal(err)
		}
	}
}
