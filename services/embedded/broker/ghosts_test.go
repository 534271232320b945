package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/throughline/throughline/services/embedded/broker"
)

// joiner is a member of a group, request by request.
type joiner struct {
	t          *testing.T
	client     *kgo.Client
	id         string
	generation int32
}

const ghostGroup = "g"

func newJoiner(t *testing.T, addr string) *joiner {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	j := &joiner{t: t, client: client}
	// The first join only brings an id.
	answer, err := j.ask().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	j.id = answer.MemberID
	return j
}

func (j *joiner) ask() *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType = ghostGroup, j.id, "test"
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 1000, 60_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "p"
	r.Protocols = append(r.Protocols, p)
	return r
}

// join waits for its generation.
func (j *joiner) join(ctx context.Context) (leads bool) {
	answer, err := j.ask().RequestWith(ctx, j.client)
	if err != nil {
		if ctx.Err() == nil {
			j.t.Error(err)
		}
		return false
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		j.t.Errorf("join: %v", err)
	}
	j.generation = answer.Generation
	return answer.LeaderID == j.id
}

func (j *joiner) sync() error {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation = ghostGroup, j.id, j.generation
	answer, err := r.RequestWith(j.t.Context(), j.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.ErrorCode)
}

func (j *joiner) beat() error {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = ghostGroup, j.id, j.generation
	answer, err := r.RequestWith(j.t.Context(), j.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.ErrorCode)
}

// A member that dies while it waits for its first generation holds the group up for one session, and not for ever.
func TestMemberThatDiesWhileItJoinsIsLetGo(t *testing.T) {
	c := broker.DefaultConfig()
	c.MinSession = 100 * time.Millisecond
	b, err := broker.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })

	first := newJoiner(t, b.Addr())
	if !first.join(t.Context()) {
		t.Fatal("the only member does not lead")
	}
	if err := first.sync(); err != nil {
		t.Fatal(err)
	}

	// Another asks to join, which waits for the first, and dies.
	second := newJoiner(t, b.Addr())
	ctx, die := context.WithCancel(t.Context())
	dead := make(chan struct{})
	go func() { defer close(dead); second.join(ctx) }()
	for first.beat() != kerr.RebalanceInProgress {
		time.Sleep(10 * time.Millisecond)
	}
	die()
	<-dead
	second.client.Close()

	// The first joins a generation with the dead one, and stays in it only until that is let go.
	first.join(t.Context())
	if err := first.sync(); err != nil && err != kerr.RebalanceInProgress {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); first.beat() == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the dead member is still in the group")
		}
	}
	if !first.join(t.Context()) {
		t.Fatal("the member that is left does not lead")
	}
	if err := first.sync(); err != nil {
		t.Fatal(err)
	}
	for range 30 { // longer than a session: who lives stays
		if err := first.beat(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
