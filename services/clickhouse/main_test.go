package clickhouse_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/throughline/throughline/services/embedded/engine"
)

// TestMain lets the test binary be the engine's process, which tests kill.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == engine.Command {
		if err := engine.Serve(context.Background(), os.Stdin, os.Stdout, slog.Default()); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
