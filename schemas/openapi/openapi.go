// Package openapi carries the description of the HTTP API. The document is the source: handlers are tested against it.
package openapi

import _ "embed"

// Document is the OpenAPI 3.1 description, in YAML.
//
//go:embed openapi.yaml
var Document []byte
