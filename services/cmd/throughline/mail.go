package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/mail"
	streams "github.com/throughline/throughline/streams/mail"
)

// mailCommands take mail, and show what becomes of it.
type mailCommands struct {
	Serve mailCommand     `cmd:"" default:"withargs" help:"Take mail by SMTP or LMTP and post it to a running Throughline."`
	Test  mailTestCommand `cmd:"" help:"Show what mails become, without a server."`
}

type mailRules struct {
	Rules string `name:"rules" required:"" type:"existingfile" placeholder:"MAIL.YAML" help:"Who receives mail, what is the company's, whom to believe about senders (docs/mail.md)." env:"THROUGHLINE_MAIL_RULES"`
}

func (f mailRules) load() (*streams.Rules, error) {
	return loadData(f.Rules, nil, streams.ParseRules)
}

type mailCommand struct {
	mailRules
	SMTP string `name:"smtp" placeholder:"ADDR" help:"Take SMTP on this address, such as 127.0.0.1:2525." env:"THROUGHLINE_MAIL_SMTP"`
	LMTP string `name:"lmtp" placeholder:"ADDR" help:"Take LMTP on this address, or on the socket at this path." env:"THROUGHLINE_MAIL_LMTP"`
	Name string `default:"localhost" help:"Name of this server in its greeting." env:"THROUGHLINE_MAIL_NAME"`
	Cert string `type:"existingfile" help:"Certificate for STARTTLS, PEM." env:"THROUGHLINE_MAIL_CERT"`
	Key  string `name:"cert-key" type:"existingfile" help:"Key of the certificate, PEM." env:"THROUGHLINE_MAIL_CERT_KEY"`
	URL  string `name:"url" default:"http://127.0.0.1:8080" help:"Address of a running Throughline. API keys come from THROUGHLINE_KEY, or THROUGHLINE_KEY_NAME for the workspace of that name." env:"THROUGHLINE_URL"`

	Listen string `default:"127.0.0.1:8025" help:"Address of health and metrics." env:"THROUGHLINE_LISTEN"`
}

func (c *mailCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := mail.DefaultConfig()
	rules, err := c.load()
	if err != nil {
		return err
	}
	config.SMTP, config.LMTP, config.Name, config.Rules, config.Logger = c.SMTP, c.LMTP, c.Name, rules, log
	config.Doors, config.MaxRecipients = c.doors(rules), rules.Limits.Recipients
	if config.TLS, err = c.tls(); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	config.Registerer = metrics
	server, err := mail.NewServer(config)
	if err != nil {
		return err
	}
	health := api.DefaultConfig()
	health.Listen, health.Registerer, health.Logger = c.Listen, metrics, log
	mux := http.NewServeMux()
	for _, path := range []string{"GET /healthz", "GET /readyz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	web, err := api.NewServer(health, mux)
	if err != nil {
		return err
	}
	log.Info("taking mail", "smtp", server.SMTPAddr(), "lmtp", server.LMTPAddr(), "starttls", config.TLS != nil, "health", "http://"+web.Addr())
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(running) })
	group.Go(func() error { return web.Run(running) })
	return group.Wait()
}

// doors are the keys of the workspaces. A workspace without one is named by Config.Validate.
func (c *mailCommand) doors(rules *streams.Rules) map[string]client.Config {
	doors := map[string]client.Config{}
	for _, w := range rules.Workspaces {
		door := mail.DefaultDoor()
		door.URL = c.URL
		door.Key = os.Getenv("THROUGHLINE_KEY_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(w.Name)))
		if door.Key == "" && len(rules.Workspaces) == 1 {
			door.Key = os.Getenv("THROUGHLINE_KEY")
		}
		if door.Key != "" {
			doors[w.Name] = door
		}
	}
	return doors
}

func (c *mailCommand) tls() (*tls.Config, error) {
	if c.Cert == "" && c.Key == "" {
		return nil, nil
	}
	if c.Cert == "" || c.Key == "" {
		return nil, errors.New("cert and cert-key belong together")
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

type mailTestCommand struct {
	mailRules
	Workspace string   `default:"default" help:"Whose rules are meant."`
	Files     []string `arg:"" type:"existingfile" help:"Files that are one mail each."`
}

func (c *mailTestCommand) Run() error {
	rules, err := c.load()
	if err != nil {
		return err
	}
	w := rules.Workspace(c.Workspace)
	if w == nil {
		return fmt.Errorf("%s: workspaces: there is none of the name %q", c.Rules, c.Workspace)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	for _, file := range c.Files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		m, err := streams.Parse(data, rules.Limits)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		t, err := rules.Touchpoint(m, w, time.Now())
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := out.Encode(t); err != nil {
			return err
		}
	}
	return nil
}
