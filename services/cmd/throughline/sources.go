package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/webhook"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/source"
)

type sourcesCommands struct {
	List listSourcesCommand `cmd:"" help:"List the providers whose webhooks are understood."`
	Test testSourceCommand  `cmd:"" help:"Show what bodies become, and why; needs no server."`
	Keys sourceKeysCommands `cmd:"" help:"Make, list and revoke the addresses that providers send to."`
}

// sourceFlags are those of roles that take webhooks in.
type sourceFlags struct {
	Sources       string `type:"existingdir" help:"Folder of your own source files: NAME.yaml, or WORKSPACE/NAME.yaml for one workspace." env:"THROUGHLINE_SOURCES"`
	SourceSecrets string `type:"existingdir" help:"Folder of the secrets of sources: SOURCE.secret, SOURCE.secret.2, or WORKSPACE/SOURCE.secret; else they are in the environment, as THROUGHLINE_SOURCE_<SOURCE>_SECRET." env:"THROUGHLINE_SOURCE_SECRETS"`
	PublicURL     string `name:"public-url" placeholder:"https://HOST" help:"Scheme and host as providers see them, where requests do not say so: some sign the address." env:"THROUGHLINE_PUBLIC_URL"`
}

func (f sourceFlags) settings() (webhook.Settings, error) {
	all, err := webhook.LoadSources(f.Sources)
	if err != nil {
		return webhook.Settings{}, err
	}
	return webhook.Settings{Sources: all, Secrets: webhook.NewSecrets(os.Environ(), f.SourceSecrets), PublicURL: f.PublicURL}, webhook.ValidPublicURL(f.PublicURL)
}

type listSourcesCommand struct {
	Sources   string `type:"existingdir" help:"Folder of your own source files." env:"THROUGHLINE_SOURCES"`
	Workspace string `default:"default" help:"Whose own files are listed, too."`
}

func (c *listSourcesCommand) Run() error {
	all, err := webhook.LoadSources(c.Sources)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPROVIDER\tFAMILY\tPROOF\tSECRETS")
	for _, s := range all.List(c.Workspace) {
		names := []string{}
		for _, secret := range s.Secrets() {
			names = append(names, webhook.EnvName(s.Name, secret))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Label, s.Family, s.Proof.Method, strings.Join(names, " "))
	}
	return w.Flush()
}

type testSourceCommand struct {
	File   string   `arg:"" help:"Source file, or the name of one that ships, such as zendesk."`
	Bodies []string `arg:"" type:"existingfile" help:"Files with a body, or with a whole request: its head, an empty line, its body."`
	Header []string `help:"A header of requests whose file holds the body alone, such as 'X-Shopify-Topic: orders/create'; repeatable."`
}

// Run shows for each body what it becomes. The error says that something was refused.
func (c *testSourceCommand) Run() error {
	s, err := sourceNamed(c.File)
	if err != nil {
		return err
	}
	reader, bad := s.NewReader(nil), 0
	for _, path := range c.Bodies {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		request, err := requestOf(raw, c.Header)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(c.Bodies) > 1 {
			fmt.Printf("%s\n", path)
		}
		bad += show(os.Stdout, s, reader, request)
	}
	if bad > 0 {
		return fmt.Errorf("%d would go to the dead letters", bad)
	}
	return nil
}

func sourceNamed(file string) (*source.Source, error) {
	if data, ok := sources.Get(file); ok {
		return source.Parse(data)
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file, and none of the sources that ship: %s", file, strings.Join(sources.Names(), ", "))
	}
	if err != nil {
		return nil, err
	}
	s, err := source.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// requestOf reads a whole request, or makes one of a body.
func requestOf(raw []byte, headers []string) (*source.Request, error) {
	out := &source.Request{Method: http.MethodPost, URL: "https://throughline.example/v1/sources/NAME/KEY", Headers: textproto.MIMEHeader{}, Body: raw}
	head, body, cut := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	if first, _, _ := bytes.Cut(head, []byte("\n")); cut && bytes.HasSuffix(bytes.TrimSpace(first), []byte("HTTP/1.1")) {
		r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))))
		if err != nil {
			return nil, err
		}
		out.Method, out.URL, out.Query, out.Headers, out.Body = r.Method, "https://"+r.Host+r.RequestURI, r.URL.Query(), textproto.MIMEHeader(r.Header), body
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, fmt.Errorf("header %q is not like 'Name: value'", h)
		}
		out.Headers.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return out, nil
}

// show prints what a request becomes and returns how much of it is refused. The proof is not asked for.
func show(w io.Writer, s *source.Source, reader *source.Reader, request *source.Request) (refused int) {
	result, err := reader.Preview(request)
	if err != nil {
		fmt.Fprintf(w, "refused: %v\n", err)
		return 1
	}
	if result.Handshake != nil {
		fmt.Fprintf(w, "handshake, answered with %s: %s\n", result.Handshake.Type, result.Handshake.Body)
		return 0
	}
	rules := identity.DefaultRules()
	options := touchpoint.Options{Now: time.Now().UnixMilli(), Registry: registry.Default(), Normalise: rules.Normalise, Verified: rules.Verified}
	for i, item := range result.Items {
		switch {
		case item.Skipped != "":
			fmt.Fprintf(w, "%d: skipped: %s\n", i, item.Skipped)
		case item.Refused != nil:
			refused++
			fmt.Fprintf(w, "%d: refused: %v\n", i, item.Refused)
		default:
			t, _, why := touchpoint.Decode(item.Touchpoint, &options)
			if why != nil {
				refused++
				fmt.Fprintf(w, "%d: refused: %v\n%s\n", i, why, item.Touchpoint)
				continue
			}
			var pretty bytes.Buffer
			line, err := t.AppendJSON(nil)
			if err == nil {
				err = json.Indent(&pretty, line, "", "  ")
			}
			if err != nil {
				refused++
				fmt.Fprintf(w, "%d: refused: %v\n", i, err)
				continue
			}
			fmt.Fprintf(w, "%d: touchpoint\n%s\n", i, pretty.Bytes())
		}
	}
	if len(result.Items) == 0 {
		fmt.Fprintf(w, "nothing: %s finds no touchpoint in it\n", s.Name)
	}
	return refused
}

type sourceKeysCommands struct {
	Create createSourceKeyCommand `cmd:"" help:"Make an address for a provider; shown once."`
	List   listSourceKeysCommand  `cmd:"" help:"List them, without what would let anybody in."`
	Revoke revokeSourceKeyCommand `cmd:"" help:"Shut one out."`
}

type createSourceKeyCommand struct {
	askFlags
	Source string `arg:"" help:"Source, such as zendesk."`
	Name   string `help:"What it is for."`
}

func (c *createSourceKeyCommand) Run(ctx context.Context) error {
	return ask(ctx, c.askFlags, http.MethodPost, "/v1/source-keys", map[string]string{"source": c.Source, "name": c.Name}, func(w *tabwriter.Writer, k *webhook.NewKey) {
		fmt.Fprintf(w, "id\t%s\n", k.ID)
		fmt.Fprintf(w, "key\t%s\n", k.SourceKey)
		fmt.Fprintf(w, "paste this URL\t%s\n", k.URL)
		if len(k.Secrets) > 0 {
			fmt.Fprintf(w, "set\t%s\n", strings.Join(k.Secrets, " "))
		}
	})
}

type listSourceKeysCommand struct{ askFlags }

func (c *listSourceKeysCommand) Run(ctx context.Context) error {
	return ask(ctx, c.askFlags, http.MethodGet, "/v1/source-keys", nil, func(w *tabwriter.Writer, v *struct{ Keys []webhook.Key }) {
		fmt.Fprintln(w, "ID\tSOURCE\tNAME\tCREATED\tREVOKED")
		for _, k := range v.Keys {
			revoked := ""
			if k.Revoked > 0 {
				revoked = local(time.UnixMilli(k.Revoked))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Source, k.Name, local(time.UnixMilli(k.Created)), revoked)
		}
	})
}

type revokeSourceKeyCommand struct {
	serverFlags
	ID string `arg:"" help:"As list shows it."`
}

func (c *revokeSourceKeyCommand) Run(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/v1/source-keys/"+url.PathEscape(c.ID), nil, nil)
}
