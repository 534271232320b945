package kafka_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func TestStageOnThreeBrokersGoesOnWhenOneIsKilled(t *testing.T) {
	c := kafkatest.Real(t, 3, sumTopics()...)
	a, b := start(t, sumStage(&c.Cluster, nil)), start(t, sumStage(&c.Cluster, nil))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	acked := 0
	p := c.Producer(t, "in")
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var rs []*kafka.Record
			for range 100 {
				rs = append(rs, &kafka.Record{Topic: "in", Partition: int32(acked) % 4, Value: binary.BigEndian.AppendUint64(nil, uint64(acked))})
				acked++
			}
			if err := p.Produce(t.Context(), rs); err != nil {
				t.Error(err)
				return
			}
		}
	})
	admin := c.Admin(t)
	seen := func() (n int64) {
		os, err := admin.LogOffsets(t.Context(), "out")
		if err != nil {
			return -1 // a leader is away
		}
		for _, o := range os {
			n += o.End
		}
		return n
	}
	var before int64
	until(t, func() bool { before = seen(); return before > 0 })
	c.Kill(t, 1)
	until(t, func() bool { return seen() > before+1000 })
	c.Restart(t)
	close(stop)
	wg.Wait()
	waitCommitted(t, &c.Cluster, "sums", "in")
	if err := a.now(); err != nil {
		t.Fatal(err)
	}
	if err := b.now(); err != nil {
		t.Fatal(err)
	}
	out, in := checkSums(t, &c.Cluster)
	if in != acked {
		t.Fatalf("%d records acknowledged, the log has %d", acked, in)
	}
	t.Logf("%d outputs for %d inputs", out, in)
}
