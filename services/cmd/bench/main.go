// Command bench measures the whole of Throughline, as its users run it: the real binary on embedded engines, fed over
// HTTP by a generator in this process. It prints one row per measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/throughline", "the program to measure")
	first := flag.Uint64("first", 1_000_000, "touchpoints before the first measure of cost")
	total := flag.Uint64("total", 10_000_000, "touchpoints in all")
	seconds := flag.Int("seconds", 20, "length of the latency measure")
	letters := flag.Int("mails", 20_000, "mails out of an mbox, and as many by SMTP")
	quiet := flag.Duration("quiet", 0, "how long nothing happens before look-ups are timed at rest; the store makes one part of a month that was quiet for half an hour")
	data := flag.String("data", "", "folder of the data; a temporary one when empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *binary, *data, *first, *total, *seconds, *letters, *quiet); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, data string, first, total uint64, seconds, letters int, quiet time.Duration) error {
	if data == "" {
		dir, err := os.MkdirTemp("", "throughline-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		data = dir
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	up, err := startUp(ctx, binary, data)
	if err != nil {
		return err
	}
	defer up.stop()
	f, err := newFeed(up, total)
	if err != nil {
		return err
	}
	row("machine", "%d cores, %s", runtime.NumCPU(), runtime.Version())

	small, err := f.send(ctx, 0, first)
	if err != nil {
		return err
	}
	row("first part", "%.0f touchpoints/s sent, %.0f/s until all was stored and derived; %s", small.sent(), small.settled(), small)
	step := (total - first) / 9
	all, last := small, small
	for n := first; n+step <= total && step > 0; n += step {
		if last, err = f.send(ctx, n, n+step); err != nil {
			return err
		}
		all = all.plus(last)
		fmt.Fprintf(os.Stderr, "%d sent and settled, %.0f/s, %s; %s\n", n+step, last.settled(), last, up.memory())
	}
	row("whole pipeline", "%.0f touchpoints/s over %d, until all was stored and derived; target 100,000", all.settled(), all.count)
	row("CPU per touchpoint", "%.1f us at the end, %.1f us in the first part: ratio %.2f; target within 1.10", last.cpu(), small.cpu(), last.cpu()/small.cpu())
	row("memory", "%s", up.memory())
	row("on disk", "%s", up.disk())
	if err := lookups(ctx, up, f, total, "while the store merges"); err != nil {
		return err
	}
	rested, err := up.rest(ctx, quiet)
	if err != nil {
		return err
	}
	row("merges of the store", "went on for %s after %s of quiet", rested.Round(time.Second), quiet)
	if err := lookups(ctx, up, f, total, "at rest"); err != nil {
		return err
	}
	if err := overview(ctx, up, f); err != nil {
		return err
	}
	if err := latency(ctx, up, seconds); err != nil {
		return err
	}
	if err := up.settle(ctx); err != nil {
		return err
	}
	if err := corrections(ctx, up, 2*seconds); err != nil {
		return err
	}
	if err := mails(ctx, up, binary, letters); err != nil {
		return err
	}
	return restart(ctx, up)
}

func row(name, format string, args ...any) {
	fmt.Printf("%-22s %s\n", name, fmt.Sprintf(format, args...))
}
