package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// get reads the JSON of a path.
func get[T any](u up, path string) (out T, err error) {
	body, err := read(u, path)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(body, &out)
}

// read reads what is at a path.
func read(u up, path string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, u.url+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %d %s", path, res.StatusCode, body)
	}
	return body, nil
}

// eventually tries until f returns nil, half a minute at most.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// touchpoints waits until whom an identifier names has so many touchpoints, and returns their ids.
func (u up) touchpoints(t *testing.T, identifier string, many int) string {
	t.Helper()
	var ids []string
	eventually(t, func() error {
		person, err := get[struct{ ID string }](u, "/v1/people?identifier="+url.QueryEscape(identifier))
		if err != nil {
			return err
		}
		line, err := get[struct{ Touchpoints []struct{ ID string } }](u, "/v1/people/"+person.ID+"/timeline?limit=200")
		if err != nil {
			return err
		}
		ids = ids[:0]
		for _, tp := range line.Touchpoints {
			ids = append(ids, tp.ID)
		}
		if len(ids) != many {
			return fmt.Errorf("%s has touchpoints %q, want %d", identifier, ids, many)
		}
		return nil
	})
	return strings.Join(ids, " ")
}
