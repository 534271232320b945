package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/node"
	"github.com/throughline/throughline/services/workspaces"
)

// operate asks a running Throughline to do something long, shows its progress, and returns its result.
func operate[T any](ctx context.Context, url, path, key string) (*T, error) {
	at, err := address(url, path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		return nil, problemOf(res.Status, body)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line node.OperationLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("answer: %w", err)
		}
		switch {
		case line.Error != "":
			return nil, errors.New(line.Error)
		case line.Result != nil:
			result := new(T)
			return result, json.Unmarshal(line.Result, result)
		default:
			fmt.Fprintln(os.Stderr, line.Progress)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return nil, errors.New("the answer broke off: was the server stopped?")
}

// currentGenerations reads which generations are in force.
func currentGenerations(ctx context.Context, brokers kafka.Config) (current topic.Generations, err error) {
	err = withDirectory(ctx, brokers, func(d *workspaces.Directory) error {
		current, _ = d.Generations()
		return nil
	})
	return current, err
}
