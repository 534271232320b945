// Package asyncapi carries the AsyncAPI description of the topics.
package asyncapi

import _ "embed"

// Document is asyncapi.yaml.
//
//go:embed asyncapi.yaml
var Document []byte
