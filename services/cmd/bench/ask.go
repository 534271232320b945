package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"time"
)

// lookups times the questions of an agent while a customer waits; when says what the store does meanwhile.
func lookups(ctx context.Context, up *upProcess, f *feed, total uint64, when string) error {
	rng := rand.New(rand.NewPCG(1, 2))
	var people, timelines []time.Duration
	for len(people) < 500 {
		var t struct {
			Identifiers []struct{ Type, Value string } `json:"identifiers"`
		}
		if err := json.Unmarshal(f.gen.At(nil, rng.Uint64N(total)), &t); err != nil {
			return err
		}
		if len(t.Identifiers) == 0 {
			continue
		}
		id := t.Identifiers[rng.IntN(len(t.Identifiers))]
		var person struct {
			ID string `json:"id"`
		}
		started := time.Now()
		if err := up.get(ctx, "/v1/people?identifier="+url.QueryEscape(id.Type+":"+id.Value), &person); err != nil {
			return err
		}
		people = append(people, time.Since(started))
		started = time.Now()
		var page any
		if err := up.get(ctx, "/v1/people/"+person.ID+"/timeline?limit=50", &page); err != nil {
			return err
		}
		timelines = append(timelines, time.Since(started))
	}
	row("person by identifier", "%s, %s; target p95 <= 20ms", percentiles(people), when)
	row("timeline", "%s, %s; target p95 <= 20ms", percentiles(timelines), when)
	var reports []time.Duration
	for range 5 {
		started := time.Now()
		var report any
		if err := up.get(ctx, "/v1/reports/touchpoints?by=channel,direction&from=2000-01-01", &report); err != nil {
			return err
		}
		reports = append(reports, time.Since(started))
	}
	row("report, two dimensions", "%s, over all touchpoints, %s", percentiles(reports), when)
	return nil
}

// latency sends 10,000 touchpoints a second and asks a report again and again which of the probes among them show.
func latency(ctx context.Context, up *upProcess, seconds int) error {
	const perBatch, every = 100, 10 * time.Millisecond
	var mu sync.Mutex
	accepted := map[string]time.Time{}
	var seen []time.Duration
	sending, stop := context.WithCancel(ctx)
	defer stop()
	gate := make(chan struct{}, 64)
	var wg sync.WaitGroup
	run := time.Now().UnixNano()
	sent := 0
	sender := func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; n < seconds*100; n++ {
			select {
			case <-sending.Done():
				return
			case <-tick.C:
			}
			gate <- struct{}{}
			sent += perBatch
			wg.Go(func() {
				defer func() { <-gate }()
				probe := fmt.Sprintf("probe-%d-%d", run, n)
				var body []byte
				for i := range perBatch {
					topic, source := "load", "bench"
					if i == 0 {
						topic, source = probe, "probe"
					}
					body = fmt.Appendf(body, `{"id":"%s-%d","time":%d,"channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":"live%d@example.com","verified":true}],"thread":["session:%d-%d"],"topic":%q,"source":%q,"text":"Where is my order? I have been waiting since Tuesday and nobody has told me anything about it."}`+"\n",
						probe, i, time.Now().UnixMilli(), (n*perBatch+i)%50_000, run, n*perBatch+i, topic, source)
				}
				if up.post(ctx, body) == nil {
					mu.Lock()
					accepted[probe] = time.Now()
					mu.Unlock()
				}
			})
		}
	}
	started := time.Now()
	done := make(chan struct{})
	go func() { defer close(done); sender(); wg.Wait() }()
	visible := map[string]bool{}
	// A report has a thousand rows at most: it is asked about the time since the oldest probe that does not show yet.
	oldest := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		first := time.Now()
		for probe, at := range accepted {
			if !visible[probe] && at.Before(first) {
				first = at
			}
		}
		return first.Add(-2 * time.Second)
	}
	span := func(at time.Time) string { return url.QueryEscape(at.UTC().Format(time.RFC3339)) }
	finished := false
	for !finished || len(seen) < len(accepted) {
		select {
		case <-done:
			finished = true
		default:
		}
		var report struct {
			Rows []struct {
				Topic string `json:"topic"`
			} `json:"rows"`
		}
		query := "/v1/reports/touchpoints?by=topic&source=probe&limit=1000&from=" + span(oldest()) + "&to=" + span(time.Now().Add(time.Second))
		if err := up.get(ctx, query, &report); err != nil {
			return err
		}
		now := time.Now()
		mu.Lock()
		for _, r := range report.Rows {
			if at, ok := accepted[r.Topic]; ok && !visible[r.Topic] {
				visible[r.Topic] = true
				seen = append(seen, max(0, now.Sub(at)))
			}
		}
		mu.Unlock()
		if time.Since(started) > time.Duration(seconds+60)*time.Second {
			return fmt.Errorf("%d of %d probes are not visible after a minute", len(accepted)-len(seen), len(accepted))
		}
	}
	rate := float64(sent) / float64(seconds)
	row("accepted -> in a report", "%s, at %.0f touchpoints/s, the report asked again and again; target p99 <= 1s", percentiles(seen), rate)
	return nil
}

func percentiles(d []time.Duration) string {
	slices.Sort(d)
	at := func(p float64) time.Duration {
		return d[min(len(d)-1, int(p*float64(len(d))))].Round(100 * time.Microsecond)
	}
	if len(d) == 0 {
		return "nothing measured"
	}
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s of %d", at(0.50), at(0.95), at(0.99), len(d))
}
