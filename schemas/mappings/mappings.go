// Package mappings holds the mapping files that ship with the product.
package mappings

import (
	"embed"

	"github.com/throughline/throughline/schemas/shelf"
)

//go:embed *.yaml
var files embed.FS

// Get returns the mapping file of that name, such as servicenow-incidents.
func Get(name string) ([]byte, bool) { return shelf.Get(files, name) }

// Names lists them, sorted.
func Names() []string { return shelf.Names(files) }
