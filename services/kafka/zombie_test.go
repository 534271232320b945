package kafka_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// zombieEnv makes the test binary a group member that commits when it is told to.
const zombieEnv = "THROUGHLINE_TEST_MEMBER_OF"

func TestMain(m *testing.M) {
	if brokers := os.Getenv(zombieEnv); brokers != "" {
		if err := member(strings.Split(brokers, ",")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// member says "owned" when it has read a record, then commits offset 5 once per line of input and says what came of it.
func member(brokers []string) error {
	rc := kafka.DefaultReaderConfig()
	rc.Group, rc.Topics = "loader", []string{"in"}
	rc.SessionTimeout, rc.RebalanceTimeout = time.Second, 5*time.Second
	r, err := kafka.NewReader(kafka.Config{Brokers: brokers}, rc, &recorder{})
	if err != nil {
		return err
	}
	ctx, stop := contextOf(30 * time.Second)
	defer stop()
	if _, err := r.Poll(ctx); err != nil {
		return err
	}
	fmt.Println("owned")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		err := r.Commit(ctx, kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: "in"}, Offset: 5, Metadata: "zombie"})
		switch {
		case err == nil:
			fmt.Println("committed")
		case errors.Is(err, kafka.ErrFenced):
			fmt.Println("fenced")
		default:
			fmt.Println(err)
		}
	}
	return nil
}

func zombieCannotCommit(t *testing.T, c *kafkatest.Cluster) {
	produceNumbers(t, c, 1, 0, 10)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), zombieEnv+"="+strings.Join(c.Brokers, ","))
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	lines := bufio.NewScanner(stdout)
	say := func() string { io.WriteString(stdin, "\n"); lines.Scan(); return lines.Text() }
	if lines.Scan(); lines.Text() != "owned" {
		t.Fatal(lines.Text())
	}
	if got := say(); got != "committed" {
		t.Fatalf("while it lives: %s", got)
	}
	cmd.Process.Signal(syscall.SIGSTOP)

	// The next member gets the partition once the session of the first has run out.
	r := newReader(t, c, &recorder{})
	pollSome(t, r, 5)
	p := kafka.TopicPartition{Topic: "in"}
	if err := r.Commit(t.Context(), kafka.Commit{TopicPartition: p, Offset: 10, Metadata: "heir"}); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGCONT)
	if got := say(); got != "fenced" {
		t.Fatalf("zombie: %s", got)
	}
	os, err := c.Admin(t).GroupOffsets(t.Context(), "loader", "in")
	if err != nil || os[0].Committed != 10 || os[0].Metadata != "heir" {
		t.Fatalf("committed %+v, %v", os, err)
	}
}
