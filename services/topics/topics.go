// Package topics turns the table of topics into what Kafka is asked for.
package topics

import (
	"strconv"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// Specs are all topics of the given generations; see Spec.
func Specs(g topic.Generations, partitions int32, replicas int16) []kafka.TopicSpec {
	specs := make([]kafka.TopicSpec, len(topic.Table))
	for i, t := range topic.Table {
		specs[i] = Spec(t, g, partitions, replicas)
	}
	return specs
}

// Spec is one topic. partitions is for all topics that are not single; it cannot change later, because keys would move to
// partitions that do not know them. replicas 0 is the broker's default.
func Spec(t topic.Topic, g topic.Generations, partitions int32, replicas int16) kafka.TopicSpec {
	spec := kafka.TopicSpec{Name: t.In(g), Partitions: partitions, Replicas: replicas, Configs: map[string]string{
		"retention.ms":   "-1",
		"cleanup.policy": "delete",
	}}
	if t.Single {
		spec.Partitions = 1
	}
	if t.Retention > 0 {
		spec.Configs["retention.ms"] = strconv.FormatInt(t.Retention.Milliseconds(), 10)
	}
	if t.Compacted {
		spec.Configs["cleanup.policy"] = "compact"
	}
	if replicas >= 3 {
		// A record is acknowledged when all but one have it, so that the loss of one broker loses nothing and stops nothing.
		spec.Configs["min.insync.replicas"] = strconv.Itoa(int(replicas) - 1)
	}
	return spec
}
