package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"
)

const mailRules = `
authserv: [mx.example.com]
workspaces:
  - name: default
    receive: [support@example.com]
    references: [{thread: ticket, pattern: '\[#(\d+)\]'}]
`

// aMail is as most mails are: some 4 KB, text and HTML, an answer with what it answers below, and the trace of three
// servers.
func aMail(run string, i int) []byte {
	at := time.Date(2025, 3, 1, 0, 0, i, 0, time.UTC).Format(time.RFC1123Z)
	var b bytes.Buffer
	for hop := range 3 {
		fmt.Fprintf(&b, "Received: from mx%d.customer.example (mx%d.customer.example [192.0.2.%d])\r\n\tby mx.example.com (Postfix) with ESMTPS id 4ABCD%d\r\n\tfor <support@example.com>; %s\r\n", hop, hop, hop, i, at)
	}
	fmt.Fprintf(&b, "Authentication-Results: mx.example.com; dkim=pass (2048-bit key) header.d=customer.example header.s=s1;\r\n\tspf=pass smtp.mailfrom=anna%[1]d@customer.example; dmarc=pass header.from=customer.example\r\nDKIM-Signature: v=1; a=rsa-sha256; d=customer.example; s=s1; bh=%[2]s; b=%[3]s\r\nFrom: =?utf-8?q?Anna_M=C3=BCller?= <anna%[1]d@customer.example>\r\nTo: Support <support@example.com>\r\nSubject: Re: Where is my parcel? [#%[4]d]\r\nDate: %[5]s\r\nMessage-ID: <%[6]s.%[7]d@customer.example>\r\nIn-Reply-To: <%[6]s.a%[4]d@example.com>\r\nReferences: <%[6]s.q%[4]d@customer.example> <%[6]s.a%[4]d@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_part\"\r\n\r\n",
		i%5000, strings.Repeat("b", 43), strings.Repeat("c", 340), i/3, at, run, i)
	said := "Hello, I ordered two weeks ago and nothing has come yet.\r\nPlease look into it; I need it on Friday =E2=80=93 at the latest.\r\n\r\n"
	fmt.Fprintf(&b, "--=_part\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%sOn Fri, 28 Feb 2025 at 10:00, Support wrote:\r\n%s\r\n-- =20\r\nAnna\r\n", said, strings.Repeat("> We are looking into it and will write to you again tomorrow.\r\n", 12))
	fmt.Fprintf(&b, "--=_part\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><p>%s</p><blockquote>%s</blockquote></body></html>\r\n--=_part--\r\n", said, strings.Repeat("<p>We are looking into it and will write to you again tomorrow.</p>\r\n", 12))
	return b.Bytes()
}

// mails measures what becomes of n mails, once out of an mbox and once by SMTP over 32 connections, each acknowledged.
func mails(ctx context.Context, up *upProcess, binary string, n int) error {
	dir, err := os.MkdirTemp("", "throughline-bench-mail-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rules := filepath.Join(dir, "mail.yaml")
	if err := os.WriteFile(rules, []byte(mailRules), 0o600); err != nil {
		return err
	}
	if err := mboxImport(ctx, up, binary, rules, dir, n); err != nil {
		return err
	}
	if err := up.settle(ctx); err != nil {
		return err
	}
	if err := bySMTP(ctx, up, binary, rules, n); err != nil {
		return err
	}
	return up.settle(ctx)
}

func mboxImport(ctx context.Context, up *upProcess, binary, rules, dir string, n int) error {
	mbox := filepath.Join(dir, "mails.mbox")
	f, err := os.Create(mbox)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w := bufio.NewWriter(f)
	size := 0
	for i := range n {
		m := aMail("mbox", i)
		size += len(m)
		fmt.Fprintf(w, "From anna@customer.example Sat Mar  1 00:00:00 2025\n%s\n", bytes.ReplaceAll(m, []byte("\r\n"), []byte("\n")))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	started := time.Now()
	out, err := exec.CommandContext(ctx, binary, "import", "--url", up.url, "--key", key, "--mail", rules, "--state", dir, mbox).CombinedOutput()
	if err != nil {
		return fmt.Errorf("import: %w\n%s", err, out)
	}
	row("mbox import", "%.0f mails/s of %.1f KB, acknowledged; target >= 2,000", float64(n)/time.Since(started).Seconds(), float64(size)/float64(n)/1000)
	return nil
}

func bySMTP(ctx context.Context, up *upProcess, binary, rules string, n int) error {
	const connections = 32
	address, health := freeAddress(), freeAddress()
	server := exec.CommandContext(ctx, binary, "mail", "--rules", rules, "--smtp", address, "--listen", health, "--url", up.url)
	server.Env = append(os.Environ(), "THROUGHLINE_KEY="+key)
	server.Stderr = &up.log
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { _ = server.Process.Signal(syscall.SIGTERM); _ = server.Wait() }()
	for range 200 {
		if res, err := http.Get("http://" + health + "/healthz"); err == nil {
			_ = res.Body.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	var next atomic.Int64
	started := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			c, err := smtp.Dial(address)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := c.SendMail("bounce@customer.example", []string{"support@example.com"}, bytes.NewReader(aMail("smtp", i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("smtp: %w\n%s", err, &up.log)
	}
	row("mail by SMTP", "%.0f mails/s over %d connections, acknowledged; target >= 500", float64(n)/time.Since(started).Seconds(), connections)
	return nil
}

// freeAddress is a loopback address that nobody listened on a moment ago.
func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
