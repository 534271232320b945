package touchpoint

import (
	"bytes"
	_ "embed"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/registry"
)

//go:embed touchpoint.schema.json
var schema []byte

// channelsHere is where the schema lists the channels. They are the registry's, which is data.
const channelsHere = `"$comment": "enum: the channels of the registry"`

// JSONSchema is the JSON Schema (2020-12) of a touchpoint with the channels of the registry. It cannot say everything:
// Decode also refuses what is too large, too deep or ambiguous, times in the future, and values that do not normalise.
func JSONSchema(r *registry.Registry) []byte {
	names := make([]string, len(r.Channels))
	for i, c := range r.Channels {
		names[i] = c.Name
	}
	list, err := json.Marshal(names)
	if err != nil {
		panic(err) // strings always encode
	}
	return bytes.Replace(schema, []byte(channelsHere), append([]byte(`"enum": `), list...), 1)
}
