package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"
)

// askFlags are those of every command that shows an answer of the API.
type askFlags struct {
	serverFlags
	JSON bool `name:"json" help:"Print what the API answers."`
}

// ask puts a question and prints the answer: as it is, or for people as print says.
func ask[T any](ctx context.Context, f askFlags, method, path string, body any, print func(w *tabwriter.Writer, v *T)) error {
	raw, v, err := answerOf[T](ctx, f.serverFlags, method, path, body)
	if err != nil {
		return err
	}
	if f.JSON {
		_, err = fmt.Println(string(raw))
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	print(w, v)
	return w.Flush()
}

func answerOf[T any](ctx context.Context, f serverFlags, method, path string, body any) (raw json.RawMessage, v *T, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return nil, nil, err
		}
	}
	if err := f.call(ctx, method, path, text, &raw); err != nil {
		return nil, nil, err
	}
	v = new(T)
	return raw, v, json.Unmarshal(raw, v)
}

// list prints the rows of a list, page after page until limit; as JSON the first page.
func list[T any](ctx context.Context, f askFlags, path string, query url.Values, limit int, rows func(w *tabwriter.Writer, v *T) (n int, next string)) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for limit > 0 {
		query.Set("limit", fmt.Sprint(min(limit, 200)))
		raw, page, err := answerOf[T](ctx, f.serverFlags, http.MethodGet, path+"?"+query.Encode(), nil)
		if err != nil {
			return errors.Join(w.Flush(), err)
		}
		if f.JSON {
			_, err = fmt.Println(string(raw))
			return err
		}
		n, next := rows(w, page)
		if limit -= n; next == "" {
			break
		}
		query.Set("cursor", next)
	}
	return w.Flush()
}

// local is a time for people.
func local(t time.Time) string { return t.Local().Format(time.DateTime) }
