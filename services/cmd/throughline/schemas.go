package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"
)

type schemasCommands struct {
	Add   addSchemaCommand    `cmd:"" help:"Put a new version of a kind's schema in force; it must take what the one before took."`
	List  listSchemasCommand  `cmd:"" help:"The schemas in force, or all versions of one kind's."`
	Check checkSchemaCommand  `cmd:"" help:"What would come of a schema: what breaks, and which stored touchpoints it would not take; exit 1 when it breaks."`
	Infer inferSchemasCommand `cmd:"" help:"Propose schemas from what a source has sent."`
}

func schemaPath(kind string) string { return "/v1/schemas/kinds/" + url.PathEscape(kind) }

// schemaFile is a kind with a file.
type schemaFile struct {
	Kind string `arg:"" help:"Such as order.placed."`
	File string `arg:"" type:"existingfile" help:"JSON Schema of the kind's properties."`
}

func (f schemaFile) body(more map[string]any) (map[string]any, error) {
	text, err := os.ReadFile(f.File)
	if err != nil {
		return nil, err
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("%s: this is no JSON", f.File)
	}
	more["schema"] = json.RawMessage(text)
	return more, nil
}

// kindSchema is a version of a schema as the API shows it.
type kindSchema struct {
	Kind        string          `json:"kind"`
	Version     int             `json:"version"`
	OnViolation string          `json:"on_violation"`
	Breaking    bool            `json:"breaking"`
	User        string          `json:"user"`
	At          time.Time       `json:"at"`
	Schema      json.RawMessage `json:"schema"`
}

type addSchemaCommand struct {
	askFlags
	schemaFile
	OnViolation string `enum:"flag,refuse,," default:"" help:"flag: keep what is otherwise, and say so; refuse: to the dead letters. Absent, as before."`
	Breaking    bool   `help:"It may refuse what the version before took."`
}

func (c *addSchemaCommand) Run(ctx context.Context) error {
	body, err := c.body(map[string]any{"breaking": c.Breaking})
	if err != nil {
		return err
	}
	if c.OnViolation != "" {
		body["on_violation"] = c.OnViolation
	}
	return ask(ctx, c.askFlags, http.MethodPost, schemaPath(c.Kind), body, func(w *tabwriter.Writer, v *kindSchema) {
		fmt.Fprintf(w, "%s@%d is in force (%s).\n", v.Kind, v.Version, v.OnViolation)
	})
}

type listSchemasCommand struct {
	askFlags
	Kind string `arg:"" optional:"" help:"All versions of this kind's."`
}

func (c *listSchemasCommand) Run(ctx context.Context) error {
	path := "/v1/schemas"
	if c.Kind != "" {
		path = schemaPath(c.Kind)
	}
	type list struct {
		Schemas  []kindSchema `json:"schemas"`
		Versions []kindSchema `json:"versions"`
	}
	return ask(ctx, c.askFlags, http.MethodGet, path, nil, func(w *tabwriter.Writer, v *list) {
		fmt.Fprintln(w, "KIND\tVERSION\tON VIOLATION\tBREAKING\tSINCE\tBY\tSCHEMA")
		for _, s := range append(v.Schemas, v.Versions...) {
			fmt.Fprintf(w, "%s\t%d\t%s\t%v\t%s\t%s\t%s\n", s.Kind, s.Version, s.OnViolation, s.Breaking, local(s.At), s.User, s.Schema)
		}
	})
}

type checkSchemaCommand struct {
	askFlags
	schemaFile
}

// errBreaks makes a script stop.
var errBreaks = errors.New("it is not compatible with the version in force")

func (c *checkSchemaCommand) Run(ctx context.Context) error {
	body, err := c.body(map[string]any{"check_only": true})
	if err != nil {
		return err
	}
	type difference struct{ Field, Reason string }
	type check struct {
		Kind               string
		Version            int
		Compatible         bool
		Samples, Violating int
		Breaks, Fields     []difference
	}
	compatible := true
	err = ask(ctx, c.askFlags, http.MethodPost, schemaPath(c.Kind), body, func(w *tabwriter.Writer, v *check) {
		compatible = v.Compatible
		for _, b := range v.Breaks {
			fmt.Fprintf(w, "breaks\t%s\t%s\n", b.Field, b.Reason)
		}
		for _, f := range v.Fields {
			fmt.Fprintf(w, "stored\t%s\t%s\n", f.Field, f.Reason)
		}
		fmt.Fprintf(w, "As %s@%d it would not take %d of the latest %d touchpoints.\n", v.Kind, v.Version, v.Violating, v.Samples)
	})
	if err == nil && !compatible {
		return errBreaks
	}
	return err
}

type inferSchemasCommand struct {
	serverFlags
	Source string `arg:"" help:"As touchpoints name it."`
	Kind   string `help:"Only this one's, and nothing but the schema."`
}

func (c *inferSchemasCommand) Run(ctx context.Context) error {
	query := url.Values{"source": {c.Source}}
	if c.Kind != "" {
		query.Set("kind", c.Kind)
	}
	raw, v, err := answerOf[struct {
		Schemas []struct{ Schema json.RawMessage }
	}](ctx, c.serverFlags, http.MethodGet, "/v1/schemas/infer?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	if c.Kind != "" && len(v.Schemas) == 1 {
		raw = v.Schemas[0].Schema
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(raw)
}
