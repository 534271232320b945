package crash

import (
	"fmt"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/services/program"
)

// The roles on three real brokers, of which one at a time is killed as well.
func TestKillOnRealKafka(t *testing.T) {
	rng, seed := newRand(t)
	kills := int(setting(t, "THROUGHLINE_KAFKA_KILLS", 10))
	brokers := kafkatest.Real(t, 3)
	data := t.TempDir()
	store, unused := program.FreeAddress(t), program.FreeAddress(t)
	c := newCluster(t, brokers.Brokers, "http://"+store)
	c.add("engines", "", "engines", "--data", data, "--kafka-listen", unused, "--clickhouse-listen", store)
	c.prepare("--partitions", "4", "--replicas", "3")
	for i := range brokers.Brokers {
		c.parts[fmt.Sprint("broker ", i+1)] = part{
			kill: func() { brokers.Kill(t, i) },
			start: func() {
				pause(t, rng, 3*time.Second) // two go on without it
				brokers.Restart(t)
			},
		}
	}
	c.run(rng, seed, kills)
}
