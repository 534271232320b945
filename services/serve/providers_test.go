package serve

import (
	"context"
	"sync"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/webhook"
	"github.com/throughline/throughline/services/workspaces"
)

// sourceKeys keeps source keys in memory, beside the test's API keys.
type sourceKeys struct {
	*directory
	mu   sync.Mutex
	keys map[string]workspace.SourceKey
}

func (s *sourceKeys) SourceKey(key string) (workspace.SourceKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[workspace.HashOf(key)]
	return k, ok && k.Revoked == 0
}

func (s *sourceKeys) SourceKeys(name string) (out []workspaces.ListedSourceKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, k := range s.keys {
		if k.Workspace == name {
			out = append(out, workspaces.ListedSourceKey{ID: workspace.SourceKeyID(hash), SourceKey: k})
		}
	}
	return out
}

func (s *sourceKeys) AddSourceKey(_ context.Context, key string, k workspace.SourceKey) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[workspace.HashOf(key)] = k
	return workspace.SourceKeyID(workspace.HashOf(key)), nil
}

func (s *sourceKeys) RevokeSourceKey(_ context.Context, name, id string, at int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, k := range s.keys {
		if k.Workspace == name && workspace.SourceKeyID(hash) == id {
			k.Revoked = at
			s.keys[hash] = k
			return nil
		}
	}
	return workspaces.ErrUnknownSourceKey
}

// providers is the door of webhooks.
func (f *fixture) providers(c *collect.Collector) Door {
	f.tb.Helper()
	config := webhook.DefaultConfig()
	config.Collector, config.Directory = c, &sourceKeys{directory: f.dir, keys: map[string]workspace.SourceKey{
		workspace.HashOf("their-secret"): {Workspace: "theirs", Source: "zendesk", Name: secret, Created: 1},
	}}
	out, err := webhook.New(config)
	if err != nil {
		f.tb.Fatal(err)
	}
	return out
}
