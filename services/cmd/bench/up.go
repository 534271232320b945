package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const key = "bench-key"

// upProcess is the program under measure.
type upProcess struct {
	binary string
	cmd    *exec.Cmd
	url    string
	data   string
	log    bytes.Buffer
	client *http.Client
}

func startUp(ctx context.Context, binary, data string) (*upProcess, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listen := l.Addr().String()
	_ = l.Close()
	u := &upProcess{binary: binary, url: "http://" + listen, data: data, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	return u, u.start(ctx)
}

// start runs the program and waits until it is ready.
func (u *upProcess) start(ctx context.Context) error {
	u.cmd = exec.Command(u.binary, "up", "--data", u.data, "--listen", strings.TrimPrefix(u.url, "http://"), "--key", key)
	u.cmd.Stderr = &u.log
	u.cmd.Stdout = &u.log
	if err := u.cmd.Start(); err != nil {
		return err
	}
	for range 2400 {
		if res, err := u.client.Get(u.url + "/readyz"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			u.stop()
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	u.stop()
	return fmt.Errorf("not ready after two minutes:\n%s", &u.log)
}

func (u *upProcess) stop() {
	_ = u.cmd.Process.Signal(syscall.SIGTERM)
	_ = u.cmd.Wait()
}

// get reads a JSON answer.
func (u *upProcess) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+path, nil)
	if err != nil {
		return err
	}
	return u.do(req, http.StatusOK, into)
}

func (u *upProcess) do(req *http.Request, want int, into any) error {
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s %s: %s: %.300s", req.Method, req.URL.Path, res.Status, body)
	}
	return json.Unmarshal(body, into)
}

// settle waits until no role has anything left to do.
func (u *upProcess) settle(ctx context.Context) error {
	failures := 0
	for calm := 0; calm < 2; {
		var status struct {
			Roles []struct {
				Lag int64 `json:"lag"`
			} `json:"roles"`
		}
		if err := u.get(ctx, "/v1/status", &status); err != nil {
			if failures++; failures > 60 {
				return err
			}
			calm = -1 // too busy to answer is not settled
		}
		lag := int64(0)
		for _, r := range status.Roles {
			lag += r.Lag
		}
		if lag == 0 || calm < 0 {
			calm++ // one stage may have read and not yet written
		} else {
			calm = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// rest lets nothing happen for a while, waits until the store has merged what it wanted to merge, for ten minutes at most, and says how long that took.
func (u *upProcess) rest(ctx context.Context, quiet time.Duration) (time.Duration, error) {
	const look, idle = 2 * time.Second, 200 * time.Millisecond
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(quiet):
	}
	began := time.Now()
	for calm := 0; calm < 3 && time.Since(began) < 10*time.Minute; {
		_, before := u.cpu()
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(look):
		}
		if _, after := u.cpu(); after-before < idle {
			calm++
		} else {
			calm = 0
		}
	}
	return time.Since(began), nil
}

// pids are the process and the engine that it runs.
func (u *upProcess) pids() []int {
	pids := []int{u.cmd.Process.Pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", u.cmd.Process.Pid))
	for _, t := range tasks {
		text, _ := os.ReadFile(t)
		for _, f := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// cpu is the processor time used so far, by the roles with the broker and by the engine.
func (u *upProcess) cpu() (roles, engine time.Duration) {
	for i, pid := range u.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		var ticks int64
		for _, i := range []int{11, 12} { // utime, stime, counted from the field after the name
			n, _ := strconv.ParseInt(fields[i], 10, 64)
			ticks += n
		}
		if used := time.Duration(ticks) * (time.Second / 100); i == 0 {
			roles += used
		} else {
			engine += used
		}
	}
	return roles, engine
}

func (u *upProcess) memory() string {
	var parts []string
	for i, pid := range u.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				parts = append(parts, fmt.Sprintf("%s %d MiB", []string{"roles and broker", "engine"}[min(i, 1)], kb>>10))
			}
		}
	}
	return strings.Join(parts, ", ")
}

func (u *upProcess) disk() string {
	sizes := map[string]int64{}
	for _, part := range []string{"kafka", "clickhouse"} {
		err := filepath.WalkDir(filepath.Join(u.data, part), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					return nil // merged away meanwhile
				}
				return err
			}
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				sizes[part] += info.Size()
			}
			return nil
		})
		if err != nil {
			return err.Error()
		}
	}
	return fmt.Sprintf("log %d MiB, store %d MiB", sizes["kafka"]>>20, sizes["clickhouse"]>>20)
}
