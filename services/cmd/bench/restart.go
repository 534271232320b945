package main

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// restart kills the program and times until it takes touchpoints again, and until one of them has gone all the way: then the
// state of every role has been restored.
func restart(ctx context.Context, up *upProcess) error {
	if err := up.settle(ctx); err != nil {
		return err
	}
	if err := up.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = up.cmd.Wait()
	began := time.Now()
	if err := up.start(ctx); err != nil {
		return err
	}
	ready := time.Since(began)
	who := fmt.Sprintf("back%d@example.com", began.UnixNano())
	body := fmt.Appendf(nil, `{"id":%q,"channel":"email","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":%q,"verified":true}]}`, who, who)
	if err := up.post(ctx, body); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Minute); ; {
		var person struct {
			Conversations int `json:"conversations"`
		}
		err := up.get(ctx, "/v1/people?identifier="+url.QueryEscape("email:"+who), &person)
		if err == nil && person.Conversations == 1 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing goes through ten minutes after a restart: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	row("kill -9 -> ready", "%s, %s until a new touchpoint was in its conversation; target 20s with 10 million identifiers", ready.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return nil
}
