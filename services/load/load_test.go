package load

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func TestEveryTouchpointLandsOnce(t *testing.T) {
	w := newWorld(t, 2)
	measured := prometheus.NewRegistry() // of the process, in which a rebuild that fails starts a loader again
	in := func(c *Config) { c.Registerer = measured }
	w.produce(append(records(0, 0, 500), records(1, 0, 500)...)...)
	stop := w.start(in)
	w.lagFree()
	w.exactly(1000)
	stop()
	w.produce(records(0, 500, 600)...)
	w.start(in)
	w.lagFree()
	w.exactly(1100)
}

func TestColumnsSayWhatTheTouchpointSays(t *testing.T) {
	w := newWorld(t, 1)
	w.produce(record(0, "a", "hello", spring))
	w.start()
	w.lagFree()
	var got string
	_, err := w.db.One(context.Background(), `SELECT toString((workspace, id, lower(hex(anchor)), toUnixTimestamp64Milli(time), channel, direction, kind, actor_type,
		identifiers, thread, text, tags, properties, rating_scale, _partition, _offset)) FROM touchpoints`, nil, noLimits, &got)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`('default','a','%s',%d,'email','inbound','message','customer',['email:a@example.com'],['ticket:a'],'hello',['a','b'],'{"n":1}','',0,0)`, touchpoint.KeyOf("default", "a"), spring)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A customer is found by what identifies them, by each word of the name, and by what they claim, as long as that is stored. With a name stands the
// identifier that the touchpoint is anchored at, wherever it stands among the others.
func TestTermsOfCustomers(t *testing.T) {
	w := newWorld(t, 1)
	told := func(id, name string, actor touchpoint.ActorType, verified bool) *kafka.Record {
		p := touchpoint.Touchpoint{ID: id, Time: spring, Channel: "email", Direction: touchpoint.Inbound, Kind: "message", Actor: touchpoint.Actor{Type: actor, Name: name},
			Identifiers: []touchpoint.Identifier{{Type: "email", Value: "Anna@example.com", Verified: verified}, {Type: "customer_id", Value: "7", Verified: true}}}
		payload, err := p.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		e := touchpoint.Envelope{Workspace: "default", ID: id, Anchor: identity.AnchorOf("default", "customer_id", "7"), Time: spring, Received: spring, Payload: payload}
		return &kafka.Record{Topic: string(topic.Touchpoints), Key: touchpoint.RecordKey("default", id), Value: e.Append(nil)}
	}
	w.produce(told("a", "Anna Müller", touchpoint.Customer, true), told("b", "Anna Müller", touchpoint.Customer, true), told("c", "", touchpoint.Customer, false), told("d", "Bob of ours", touchpoint.Agent, true))
	w.start()
	w.lagFree()
	var got string
	if _, err := w.db.One(context.Background(), `SELECT arrayStringConcat(groupArray(concat(term, '|', type, '|', value, '|', lower(hex(anchor)), '|', also)), ', ') FROM (SELECT * FROM search_terms FINAL ORDER BY term, type)`, nil, noLimits, &got); err != nil {
		t.Fatal(err)
	}
	own, of := identity.AnchorOf("default", "email", "Anna@example.com"), identity.AnchorOf("default", "customer_id", "7")
	want := fmt.Sprintf("7|customer_id|7|%[2]s|, anna muller|name|Anna Müller|%[2]s|customer_id:7, anna@example.com|claimed:email|Anna@example.com|%[2]s|, anna@example.com|email|Anna@example.com|%[1]s|, muller|name|Anna Müller|%[2]s|customer_id:7", own, of)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if raw := w.count("SELECT count() FROM search_terms"); raw != 5 {
		t.Errorf("%d rows written for 5 terms", raw)
	}
}

func TestTheSameIDAgain(t *testing.T) {
	w := newWorld(t, 1)
	same := func() *kafka.Record { return record(0, "same", "hello", spring) }
	w.produce(same(), same()) // in one block
	stop := w.start()
	w.lagFree()
	w.produce(same()) // in the next
	w.lagFree()
	stop()
	w.produce(same(), record(0, "same", "hello", spring+3*month)) // after a restart; a month later in time
	w.start()
	w.produce(record(0, "same", "something else", spring)) // a conflict
	w.lagFree()
	w.exactly(1)
	if n := w.count("SELECT count() FROM rejected FINAL WHERE source = 'conflict' AND touchpoint = 'same' AND position = 'touchpoints/0/5' AND bytes LIKE '%something else%'"); n != 1 {
		t.Errorf("%d conflicts in the dead letters, want 1", n)
	}
	if n := w.count("SELECT count() FROM rejected FINAL"); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

func TestWhatCannotBeReadIsADeadLetter(t *testing.T) {
	w := newWorld(t, 1)
	var bad []*kafka.Record
	for _, n := range DefaultConfig().Topics {
		bad = append(bad, &kafka.Record{Topic: string(n), Key: []byte("default/x"), Value: []byte{0xff, 0, 1}})
	}
	far := record(0, "far", "x", maxTime+1)
	odd := record(0, "odd", "x", spring)
	odd.Value = []byte(strings.Replace(string(odd.Value), "inbound", "unknown", 1))
	w.produce(slices.Concat(records(0, 0, 10), bad, []*kafka.Record{far, odd}, records(0, 10, 20))...)
	w.start()
	w.lagFree()
	w.exactly(20)
	if n := w.count("SELECT count() FROM rejected FINAL WHERE source = 'log'"); n != uint64(len(bad)+2) {
		t.Errorf("%d dead letters, want %d", n, len(bad)+2)
	}
}

func TestARowThatClickHouseRefusesIsADeadLetter(t *testing.T) {
	w := newWorld(t, 1)
	if err := w.db.Exec(context.Background(), "ALTER TABLE touchpoints ADD CONSTRAINT good CHECK position(payload, 'poison') = 0", nil); err != nil {
		t.Fatal(err)
	}
	w.produce(slices.Concat(records(0, 0, 300), []*kafka.Record{record(0, "bad1", "poison", spring)}, records(0, 300, 400),
		[]*kafka.Record{record(0, "bad2", "poison", spring), record(0, "bad1", "cured", spring)}, records(0, 0, 50))...)
	w.start(func(c *Config) { c.BlockAge = 200 * time.Millisecond })
	w.lagFree()
	w.exactly(400)
	if n := w.count("SELECT count() FROM rejected FINAL WHERE source = 'log' AND touchpoint LIKE 'bad%'"); n != 2 {
		t.Errorf("%d refused rows in the dead letters, want 2", n)
	}
	w.produce(record(0, "bad2", "cured", spring)) // its id was never used in the store
	w.lagFree()
	w.exactly(401)
}

func TestClickHouseMisbehaves(t *testing.T) {
	for name, f := range map[string]fault{"refuses": refuse, "breaks before": dropBefore, "breaks after": dropAfter} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			left := 5
			w.proxy.on(func(token string) fault {
				if token == "" || left == 0 {
					return none
				}
				left--
				return f
			})
			w.produce(records(0, 0, 200)...)
			w.start()
			w.lagFree()
			w.exactly(200)
			if left != 0 {
				t.Errorf("%d faults were not met", left)
			}
		})
	}
}

func TestRowsThatTheServerLostAfterATokenAreInsertedAgain(t *testing.T) {
	w := newWorld(t, 1)
	var once sync.Once
	w.proxy.on(func(token string) (f fault) {
		if token != "" {
			once.Do(func() { f = dropAfter })
			if f == none && w.count("SELECT count() FROM touchpoints WHERE _offset % 2 = 0") > 0 {
				w.exec("DELETE FROM touchpoints WHERE _offset % 2 = 0")
			}
		}
		return f
	})
	w.produce(records(0, 0, 100)...)
	w.start(func(c *Config) { c.BlockAge = 100 * time.Millisecond })
	w.eventually("the first insert to be lost", func() bool { return w.proxy.seen(":missing1") > 0 })
	w.proxy.on(nil)
	w.lagFree()
	w.exactly(100)
}

func TestARowIsPlannedBeforeItIsInserted(t *testing.T) {
	w := newWorld(t, 1)
	planned := true
	w.proxy.on(func(token string) fault {
		if token != "" {
			all, err := w.admin.GroupOffsets(context.Background(), Group(topic.First), string(topic.Touchpoints))
			p, bad := readPlan(all[0].Metadata)
			planned = planned && err == nil && bad == nil && p != nil && all[0].Committed == p.Pending[0] && token == fmt.Sprintf("touchpoints:0:%d-%d:1", p.Pending[0], p.Pending[1])
		}
		return none
	})
	w.start()
	for i := range 10 {
		w.produce(records(0, 10*i, 10*i+10)...)
	}
	w.lagFree()
	if !planned {
		t.Error("an insert was made without its plan in the commit")
	}
}

func TestTwoLoadersShareTheWork(t *testing.T) {
	w := newWorld(t, 4)
	var all []*kafka.Record
	for p := range int32(4) {
		all = append(all, records(p, 0, 250)...)
	}
	w.produce(all[:500]...)
	stop := w.start()
	w.start()
	w.produce(all[500:]...)
	w.lagFree()
	stop()
	for p := range int32(4) {
		w.produce(records(p, 200, 300)...)
	}
	w.lagFree()
	w.exactly(1200)
}

func TestClickHouseIsAwayForAWhile(t *testing.T) {
	w := newWorld(t, 2)
	reg := prometheus.NewRegistry()
	w.start(func(c *Config) {
		c.Registerer = reg
		c.BlockBytes, c.BufferedBytes = 8<<10, 64<<10
	})
	w.proxy.on(func(string) fault { return refuse })
	for i := range 10 {
		w.produce(append(records(0, 200*i, 200*i+200), records(1, 200*i, 200*i+200)...)...)
	}
	w.eventually("tries", func() bool { return metric(t, reg, "throughline_load_retries_total") > 20 })
	w.exactly(0)
	w.proxy.on(nil)
	w.lagFree()
	w.exactly(4000)
}

func TestAPlanThatCannotBeReadStopsTheRole(t *testing.T) {
	w := newWorld(t, 1)
	w.produce(records(0, 0, 10)...)
	rc := kafka.DefaultReaderConfig()
	rc.Group, rc.Topics = Group(topic.First), []string{string(topic.Touchpoints)}
	w.commitAs(rc, kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: string(topic.Touchpoints)}, Metadata: `{"v":2}`})
	cfg := w.config()
	cfg.Store = w.db
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := Run(ctx, cfg); err == nil || !strings.Contains(err.Error(), "plan cannot be read") {
		t.Errorf("Run = %v, want an error about the plan", err)
	}
	w.exactly(0)
}

func TestOnRealKafka(t *testing.T) {
	w := newWorldOn(t, &kafkatest.Real(t, 1).Cluster, 2)
	left := 3
	w.proxy.on(func(token string) fault {
		if token == "" || left == 0 {
			return none
		}
		left--
		return dropAfter
	})
	w.produce(append(records(0, 0, 500), records(1, 0, 500)...)...)
	stop := w.start()
	w.lagFree()
	stop()
	w.produce(append(records(0, 400, 600), records(1, 400, 600)...)...)
	w.start()
	w.start()
	w.lagFree()
	w.exactly(1200)
}
