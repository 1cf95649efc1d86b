// main.go -- Google's SDK for Go does what bench/castor_answers and bench/castor_many do.
// SPDX-License-Identifier: MIT
//
//	peer print URL MODEL
//	peer answers|lag URL MODEL N
//	peer many URL PROMPT N GAP_MS
//
// Built with the go.mod of conformance/peers/go. Prints one object of JSON; `print` the text.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"google.golang.org/genai"
)

const stampDigits = 19

var client *genai.Client

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ask(model, prompt string, take func(text string)) {
	for chunk, err := range client.Models.GenerateContentStream(context.Background(), model, genai.Text(prompt), nil) {
		check(err)
		take(chunk.Text())
	}
}

// now is CLOCK_MONOTONIC, which the time package does not show.
func now() int64 {
	var at syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&at)), 0)
	if errno != 0 {
		log.Fatal(errno)
	}
	return at.Nano()
}

func at(sorted []float64, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(part*float64(len(sorted)-1))]
}

func answers(model string, count int) map[string]any {
	events, bytes := 0, 0
	for range count {
		ask(model, "hi", func(text string) {
			events++
			bytes += len(text)
		})
	}
	return map[string]any{"events": events, "text_bytes": bytes}
}

func lag(model string, count int) map[string]any {
	var lags []float64
	for range count {
		ask(model, "hi", func(text string) {
			read := now()
			if len(text) >= stampDigits {
				written, err := strconv.ParseInt(text[:stampDigits], 10, 64)
				check(err)
				lags = append(lags, float64(read-written)/1e3)
			}
		})
	}
	slices.Sort(lags)
	return map[string]any{"events": len(lags), "lag_p50_us": at(lags, 0.5), "lag_p90_us": at(lags, 0.9),
		"lag_p99_us": at(lags, 0.99)}
}

func many(prompt string, count int, gap time.Duration) map[string]any {
	var all sync.WaitGroup
	var lock sync.Mutex
	var late []float64
	for range count {
		all.Add(1)
		go func() {
			defer all.Done()
			asked, events := time.Now(), 0
			ask("gemini-3.8-flash", prompt, func(string) {
				events++
				by := time.Since(asked) - time.Duration(events)*gap
				lock.Lock()
				late = append(late, max(0, by.Seconds()*1e3))
				lock.Unlock()
			})
		}()
	}
	all.Wait()
	slices.Sort(late)
	return map[string]any{"streams": count, "events": len(late), "late_p50_ms": at(late, 0.5), "late_p99_ms": at(late, 0.99)}
}

func number(index int) int {
	if len(os.Args) <= index {
		return 1
	}
	value, err := strconv.Atoi(os.Args[index])
	check(err)
	return value
}

func main() {
	var err error
	mode, url, model := os.Args[1], os.Args[2], os.Args[3]
	options := genai.HTTPOptions{BaseURL: url}
	client, err = genai.NewClient(context.Background(),
		&genai.ClientConfig{APIKey: "test-key", HTTPOptions: options, Backend: genai.BackendGeminiAPI})
	check(err)
	var figures map[string]any
	switch mode {
	case "print":
		ask(model, "hi", func(text string) { fmt.Print(text) })
		return
	case "answers":
		figures = answers(model, number(4))
	case "lag":
		figures = lag(model, number(4))
	case "many":
		figures = many(model, number(4), time.Duration(number(5))*time.Millisecond)
	default:
		log.Fatal("unknown mode ", mode)
	}
	check(json.NewEncoder(os.Stdout).Encode(figures))
}
