package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// RequireEnv makes tests that need real Kafka fail instead of being skipped when it is not installed.
const RequireEnv = "THROUGHLINE_REQUIRE_KAFKA"

// RealCluster is Apache Kafka on loopback ports.
type RealCluster struct {
	Cluster
	dir     string
	scripts string
}

// Real runs n (1 or 3) brokers of Apache Kafka for one test; three keep three replicas of each topic and acknowledge
// what two have. It skips the test when Java or the jars are not there: scripts/kafka/install.sh brings them.
func Real(tb testing.TB, n int, topics ...kafka.TopicSpec) *RealCluster {
	tb.Helper()
	c := &RealCluster{dir: tb.TempDir(), scripts: scriptsDir()}
	if err := c.installed(); err != nil {
		if os.Getenv(RequireEnv) == "1" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	tb.Cleanup(func() { c.run("stop.sh", c.dir) })
	c.start(tb, n)
	c.CreateTopics(tb, topics...)
	return c
}

// scriptsDir is scripts/kafka of the repository this file is in.
func scriptsDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "scripts", "kafka")
}

func (c *RealCluster) installed() error {
	libs := filepath.Join(c.scripts, "..", "..", ".cache", "kafka", "libs")
	if _, err := os.Stat(libs); err != nil {
		return errors.New("real Kafka is not installed: run scripts/kafka/install.sh")
	}
	if _, err := exec.LookPath("java"); err != nil {
		return errors.New("real Kafka needs Java: run scripts/kafka/install.sh")
	}
	return nil
}

func (c *RealCluster) run(script string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(c.scripts, script), args...)
	// The brokers must not outlive a test binary that is killed.
	cmd.Env = append(os.Environ(), "PARENT="+strconv.Itoa(os.Getpid()))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", script, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func (c *RealCluster) start(tb testing.TB, n int) {
	tb.Helper()
	out, err := c.run("start.sh", strconv.Itoa(n), c.dir)
	if err != nil {
		tb.Fatal(err)
	}
	c.Brokers = strings.Split(out, ",")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a, err := kafka.NewAdmin(c.Config())
	if err != nil {
		tb.Fatal(err)
	}
	defer a.Close()
	for a.Ping(ctx) != nil {
		if ctx.Err() != nil {
			tb.Fatal("real Kafka does not answer within a minute")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Kill kills broker i (from 0) with SIGKILL and waits until it is gone.
func (c *RealCluster) Kill(tb testing.TB, i int) {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1), "pid"))
	if err != nil {
		tb.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		tb.Fatal(err)
	}
	for {
		conn, err := net.Dial("tcp", c.Brokers[i])
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
}

// Restart starts the brokers that were killed, with their data and on their ports.
func (c *RealCluster) Restart(tb testing.TB) {
	tb.Helper()
	c.start(tb, len(c.Brokers))
}
