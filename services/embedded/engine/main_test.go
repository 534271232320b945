package engine

import (
	"context"
	"log/slog"
	"os"
	"testing"
)

// TestMain lets the test binary be the child that Start runs, and a parent that a test kills.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case Command:
			if err := Serve(context.Background(), os.Stdin, os.Stdout, slog.Default()); err != nil {
				os.Exit(1)
			}
			os.Exit(0)
		case parentCommand:
			actAsParent(os.Args[2])
		}
	}
	os.Exit(m.Run())
}
