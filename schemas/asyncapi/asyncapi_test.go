package asyncapi

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
)

func document(t *testing.T) map[string]any {
	t.Helper()
	text, err := yaml.YAMLToJSON(Document)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func TestEveryTopicIsDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, c := range document(t)["channels"].(map[string]any) {
		described[c.(map[string]any)["address"].(string)] = true
	}
	for _, row := range topic.Table {
		if !described[string(row.Name)] {
			t.Errorf("topic %s is not in asyncapi.yaml", row.Name)
		}
		delete(described, string(row.Name))
	}
	for name := range described {
		t.Errorf("asyncapi.yaml describes %s, which is not in the table", name)
	}
}

// The JSON records that the code writes are valid against their messages.
func TestRecordsMatch(t *testing.T) {
	doc := document(t)
	a := identity.AnchorOf("w", "email", "anna@example.com")
	node := identity.Node{Anchor: a, Type: "email", Value: "anna@example.com"}
	evidence := identity.Evidence{Touchpoint: "1", Key: a, Rule: "verified", Time: 1}
	records := map[string]any{
		"move":           &identity.Move{Workspace: "w", Anchor: a, Home: a, From: a, Person: a, Version: 1, Type: "email", Value: "x", Evidence: evidence},
		"edge":           &identity.Edge{Workspace: "w", Kind: identity.LinkVerified, A: node, B: node, Decision: identity.Refused, Rule: "r", Detail: "x", Version: 1, Evidence: evidence},
		"edge without b": &identity.Edge{Workspace: "w", Kind: identity.LinkVerified, A: node, Decision: identity.Shared, Rule: "r", Version: 1, Evidence: evidence},
		"conversation":   &conversation.Conversation{Workspace: "w", ID: touchpoint.Key(a), Version: 1, Person: a, Anchor: a, State: conversation.Open},
	}
	for name, record := range records {
		message, _, _ := bytes.Cut([]byte(name), []byte(" "))
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("asyncapi.json", doc); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile("asyncapi.json#/components/messages/" + string(message) + "/payload")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		value, _ := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
