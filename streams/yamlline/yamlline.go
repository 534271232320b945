// Package yamlline finds the lines of fields in YAML, for errors about what the YAML says.
package yamlline

import (
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Of is the line of a field such as types[2].max, counted from 1. An absent field is reported where its parent is; 1 when nothing of it is there.
func Of(data []byte, field string) int {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return 1
	}
	for field != "" {
		if path, err := yaml.PathString("$." + field); err == nil {
			if node, err := path.FilterFile(file); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return 1
}
