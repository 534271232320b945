package workspace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/registry"
)

// ChannelPrefix is in front of workspace/channel in the record key of a channel's Settings: one record each, so that two who change
// different channels at once do not undo one another.
const ChannelPrefix = "channels/"

// ChannelKey is the record key of what a workspace says of a channel.
func ChannelKey(workspace, channel string) string { return ChannelPrefix + workspace + "/" + channel }

var errBadChannelKey = errors.New("want channels/WORKSPACE/CHANNEL as the record key")

func decodeChannel(path string, value []byte) (Record, error) {
	name, channel, ok := strings.Cut(path, "/")
	if !ok || channel == "" {
		return Record{}, fmt.Errorf("workspace: decode channel: %w", errBadChannelKey)
	}
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode channel: %w", err)
	}
	if value == nil {
		return Record{ChannelOf: name, Channel: channel}, nil
	}
	s := new(registry.Settings)
	if err := json.Unmarshal(value, s); err != nil {
		return Record{}, fmt.Errorf("workspace: decode channel: %w", err)
	}
	if err := s.Validate(); err != nil {
		return Record{}, fmt.Errorf("workspace: decode channel: %w", err)
	}
	return Record{ChannelOf: name, Channel: channel, Settings: s}, nil
}
