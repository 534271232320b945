package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// overview times what the console's first page asks, all at once as it does, as of the end of the history, and reports by two dimensions over its
// last 30 days.
func overview(ctx context.Context, up *upProcess, f *feed) error {
	end := f.end
	at := func(t time.Time) string { return url.QueryEscape(t.UTC().Format(time.RFC3339)) }
	period := func(from, to time.Time) string { return "&from=" + at(from) + "&to=" + at(to) }
	day := end.Truncate(24 * time.Hour)
	today, lastWeek := period(day, end), period(day.AddDate(0, 0, -7), end.AddDate(0, 0, -7))
	fortnight, month := period(day.AddDate(0, 0, -13), end), period(day.AddDate(0, 0, -29), end)
	const talk = "/v1/reports/conversations?figures=count,first_response_ms,resolution_ms,first_response_kept_share,first_response_kept,first_response_missed,csat_share,csat_answers"
	// Cracks look back from now: as far as reaches 30 days behind the end of the history.
	cracks := fmt.Sprintf("/v1/cracks?limit=200&counts_only=true&days=%d", 30+int(time.Since(end)/(24*time.Hour)))
	page := []string{
		"/v1/reports/touchpoints?by=channel&figures=touchpoints,people" + today, "/v1/reports/touchpoints?by=channel&figures=touchpoints,people" + lastWeek,
		talk + today, talk + lastWeek,
		"/v1/conversations?waiting=true&sort=waiting&limit=5&opening=true&queue=true",
		"/v1/reports/touchpoints?by=day&figures=touchpoints" + fortnight,
		"/v1/reports/conversations?figures=fcr_share,fcr_resolved,fcr_not_resolved&compare=previous" + month,
	}
	for _, m := range []struct {
		name, target string
		asks         []string
	}{
		{"Overview, its questions", "p95 <= 300ms", page},
		{"Overview, and its cracks", "p95 <= 300ms", append(page, cracks)},
		{"touchpoints by two", "<= 500ms", []string{"/v1/reports/touchpoints?by=day,channel&figures=touchpoints,people,inbound,outbound,internal" + month}},
		{"conversations by two", "<= 500ms", []string{"/v1/reports/conversations?by=day,channel&figures=count,open,waiting,resolved,reopened,handed_over,switched_channel,one_contact,first_response_ms" + month}},
		{"all figures by two", "", []string{"/v1/reports/conversations?by=day,channel" + month}},
	} {
		var took []time.Duration
		for range 20 {
			started := time.Now()
			var group sync.WaitGroup
			failed := make(chan error, len(m.asks))
			for _, ask := range m.asks {
				group.Go(func() {
					var answer any
					if err := up.get(ctx, ask, &answer); err != nil {
						failed <- fmt.Errorf("%s: %w", ask, err)
					}
				})
			}
			group.Wait()
			select {
			case err := <-failed:
				return err
			default:
			}
			took = append(took, time.Since(started))
		}
		if m.target != "" {
			m.target = "; target " + m.target
		}
		row(m.name, "%s%s", percentiles(took), m.target)
	}
	return nil
}
