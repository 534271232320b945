package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/throughline/throughline/services/api"
)

type deadLettersCommands struct {
	List   listDeadLettersCommand  `cmd:"" help:"What was refused, newest first."`
	Show   showDeadLetterCommand   `cmd:"" help:"One dead letter: its bytes on standard output, why on standard error."`
	Resend resendDeadLetterCommand `cmd:"" help:"Send a dead letter again, repaired or as it was."`
}

// deadLetter is one as the API shows it.
type deadLetter struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"`
	Source     string    `json:"source"`
	Position   string    `json:"position"`
	Touchpoint string    `json:"touchpoint"`
	Field      string    `json:"field"`
	Reason     string    `json:"reason"`
	Status     string    `json:"status"`
	Bytes      []byte    `json:"bytes"`
}

type listDeadLettersCommand struct {
	serverFlags
	Status string `help:"kept or resent." enum:"kept,resent," default:""`
	Field  string `help:"Only those refused for this field."`
	Limit  int    `help:"At most this many." default:"50"`
}

func (c *listDeadLettersCommand) Run(ctx context.Context) error {
	query := url.Values{"limit": {fmt.Sprint(min(c.Limit, 200))}}
	if c.Status != "" {
		query.Set("status", c.Status)
	}
	if c.Field != "" {
		query.Set("field", c.Field)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTIME\tSTATUS\tTOUCHPOINT\tFIELD\tREASON")
	for left := c.Limit; left > 0; {
		var page struct {
			DeadLetters []deadLetter `json:"dead_letters"`
			Next        string       `json:"next"`
		}
		if err := c.call(ctx, http.MethodGet, "/v1/dead-letters?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, d := range page.DeadLetters {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, d.Time.Local().Format(time.DateTime), d.Status, d.Touchpoint, d.Field, d.Reason)
			left--
		}
		if page.Next == "" {
			break
		}
		query.Set("cursor", page.Next)
	}
	return w.Flush()
}

type showDeadLetterCommand struct {
	serverFlags
	ID string `arg:"" help:"Of the dead letter."`
}

func (c *showDeadLetterCommand) Run(ctx context.Context) error {
	var d deadLetter
	if err := c.call(ctx, http.MethodGet, "/v1/dead-letters/"+url.PathEscape(c.ID), nil, &d); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s at %s (%s): %s: %s\n", d.Status, d.Position, d.Time.Local().Format(time.DateTime), d.Field, d.Reason)
	_, err := os.Stdout.Write(d.Bytes)
	return err
}

type resendDeadLetterCommand struct {
	serverFlags
	ID   string `arg:"" help:"Of the dead letter."`
	File string `type:"existingfile" help:"The repaired touchpoint; as it was when absent."`
}

func (c *resendDeadLetterCommand) Run(ctx context.Context) error {
	var body []byte
	if c.File != "" {
		var err error
		if body, err = os.ReadFile(c.File); err != nil {
			return err
		}
	}
	if err := c.call(ctx, http.MethodPost, "/v1/dead-letters/"+url.PathEscape(c.ID)+"/resend", body, nil); err != nil {
		return err
	}
	fmt.Println("It is on the log now.")
	return nil
}

// call makes a request of the API and reads its JSON answer; a problem document becomes the error.
func (f serverFlags) call(ctx context.Context, method, path string, body []byte, into any) error {
	answer, err := f.fetch(ctx, method, path, "application/json", body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("what answers at %s is not Throughline's API; see --url: %w", f.URL, err)
	}
	return nil
}

// fetch makes a request of the API and returns its answer as it is; a problem document becomes the error.
func (f serverFlags) fetch(ctx context.Context, method, path, mediaType string, body []byte) ([]byte, error) {
	at, err := address(f.URL, path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+f.Key)
	if body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	res, err := do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, problemOf(res.Status, answer)
	}
	return answer, nil
}

// problemOf says what a problem document says.
func problemOf(status string, body []byte) error {
	var p api.Document
	if err := json.Unmarshal(body, &p); err != nil || p.Detail == "" {
		return fmt.Errorf("%s: %s", status, body)
	}
	if p.Field != "" {
		return fmt.Errorf("%s: %s: %s", status, p.Field, p.Detail)
	}
	return errors.New(status + ": " + p.Detail)
}
