package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// corrections times how long it takes from a user's word, a merge or a split, until a report counts accordingly, while
// 5,000 touchpoints a second come in.
func corrections(ctx context.Context, up *upProcess, rounds int) error {
	const perBatch, every = 100, 20 * time.Millisecond
	load, stop := context.WithCancel(ctx)
	done := make(chan int)
	go func() {
		sent, tick, run := 0, time.NewTicker(every), time.Now().UnixNano()
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-load.Done():
				done <- sent
				return
			case <-tick.C:
			}
			var body []byte
			for i := range perBatch {
				body = fmt.Appendf(body, `{"id":"under-%d-%d-%d","time":%d,"channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":"under%d@example.com","verified":true}],"thread":["session:under-%d"],"topic":"load","text":"Where is my order?"}`+"\n",
					run, n, i, time.Now().UnixMilli(), (n*perBatch+i)%50_000, (n*perBatch+i)/3)
			}
			if up.post(load, body) == nil {
				sent += perBatch
			}
		}
	}()
	started := time.Now()
	merges, splits, err := mergeAndSplit(ctx, up, rounds)
	stop()
	rate := float64(<-done) / time.Since(started).Seconds()
	if err != nil {
		return err
	}
	row("merge -> in a report", "%s, at %.0f touchpoints/s; target p99 <= 2s", percentiles(merges), rate)
	row("split -> in a report", "%s; target p99 <= 2s", percentiles(splits))
	return nil
}

// mergeAndSplit merges two people and parts them again, and times both.
func mergeAndSplit(ctx context.Context, up *upProcess, rounds int) (merges, splits []time.Duration, err error) {
	run := time.Now().UnixNano()
	for n := range rounds {
		topic := fmt.Sprintf("merge-%d-%d", run, n)
		a, b := fmt.Sprintf("a%d-%d@example.com", n, run), fmt.Sprintf("b%d-%d@example.com", n, run)
		var body []byte
		for _, address := range []string{a, b} {
			body = fmt.Appendf(body, `{"id":"%s","channel":"email","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":"%s","verified":true}],"topic":"%s"}`+"\n", address, address, topic)
		}
		if err = up.post(ctx, body); err != nil {
			return nil, nil, err
		}
		if _, err = up.people(ctx, topic, 2); err != nil {
			return nil, nil, err
		}
		for _, act := range []struct {
			path  string
			body  map[string]any
			after int
			took  *[]time.Duration
		}{
			{"/v1/people/merge", map[string]any{"a": "email:" + a, "b": "email:" + b, "reason": "the bench says so"}, 1, &merges},
			{"/v1/people/split", map[string]any{"person": "email:" + a, "identifiers": []string{"email:" + b}, "reason": "the bench says so"}, 2, &splits},
		} {
			if path := act.body["person"]; path != nil {
				var person struct {
					ID string `json:"id"`
				}
				if err = up.get(ctx, "/v1/people?identifier="+url.QueryEscape("email:"+a), &person); err != nil {
					return nil, nil, err
				}
				act.body["person"] = person.ID
			}
			began := time.Now()
			answered := make(chan error, 1)
			go func() { answered <- up.act(ctx, act.path, act.body) }()
			took, err := up.people(ctx, topic, act.after)
			if err != nil {
				return nil, nil, err
			}
			if err := <-answered; err != nil {
				return nil, nil, err
			}
			*act.took = append(*act.took, took.Sub(began))
		}
	}
	return merges, splits, nil
}

// people asks the report until the topic has so many, and returns when that was.
func (u *upProcess) people(ctx context.Context, topic string, want int) (time.Time, error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		var report struct {
			Totals struct {
				People int `json:"people"`
			} `json:"totals"`
		}
		from := time.Now().Add(-10 * time.Minute).UTC().Format(time.RFC3339)
		if err := u.get(ctx, "/v1/reports/touchpoints?by=topic&figures=people&topic="+topic+"&from="+from, &report); err != nil {
			return time.Time{}, err
		}
		if report.Totals.People == want {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the report does not show %d people of %s after a minute", want, topic)
}

// act sends a user's word.
func (u *upProcess) act(ctx context.Context, path string, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	var any struct{}
	return u.do(req, http.StatusOK, &any)
}
