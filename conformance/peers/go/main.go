// main.go -- runs the operations of Google's SDK for Go one after another and says of each, in one JSON line, what
// came of it.
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"
)

const timeMax = 30 * time.Second // for one operation; the whole driver is timed by its caller

type operation struct {
	name string
	run  func(ctx context.Context) error
}

type errorCase struct {
	Operation, Key, Fault, Model, Role, Status string
	Code                                       int
}

// What every driver asks for; see cases.json.
var cases struct {
	Key, FaultHeader string
	Models           map[string]string
	Prompts          map[string]string
	Faults           map[string]string
	Errors           []errorCase
}

// expect is nil where the claim holds, and otherwise says what does not.
func expect(isTrue bool, format string, args ...any) error {
	if isTrue {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func same[T comparable](actual, wanted T, what string) error {
	return expect(actual == wanted, "%s is %v, not %v", what, actual, wanted)
}

// sameList compares lists whose order counts.
func sameList[T comparable](actual, wanted []T, what string) error {
	return expect(slices.Equal(actual, wanted), "%s is %v, not %v", what, actual, wanted)
}

// raises is the error of kind T that a call gave, or says what came instead.
func raises[T error](err error) (T, error) {
	var wanted T
	if err == nil {
		return wanted, errors.New("there was no error")
	}
	if !errors.As(err, &wanted) {
		return wanted, fmt.Errorf("the error is %T, not %T: %v", err, wanted, err)
	}
	return wanted, nil
}

// waitFor polls until the thing looked at is as wished.
func waitFor[T any](ctx context.Context, look func() (T, error), isThere func(T) bool) (T, error) {
	for {
		seen, err := look()
		if err != nil || isThere(seen) {
			return seen, err
		}
		select {
		case <-ctx.Done():
			return seen, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func attempt(run func(ctx context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeMax)
	defer cancel()
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v", fault)
		}
	}()
	return run(ctx)
}

func short(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

func isWanted(name string, starts []string) bool {
	isStart := func(start string) bool { return strings.HasPrefix(name, start) }
	return len(starts) == 0 || slices.ContainsFunc(starts, isStart)
}

func main() {
	text, err := os.ReadFile(os.Getenv("PEERS_CASES"))
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, one := range slices.Concat(generateOperations, toolOperations, storeOperations, interactionOperations,
		errorOperations()) {
		if !isWanted(one.name, os.Args[1:]) {
			continue
		}
		line := map[string]string{"client": "go-genai", "transport": os.Getenv("PEERS_TRANSPORT"), "operation": one.name,
			"result": "pass", "why": ""}
		if err := attempt(one.run); err != nil {
			line["result"], line["why"] = "fail", short(err.Error(), 300)
		}
		if err := out.Encode(line); err != nil {
			log.Fatal(err)
		}
	}
}
