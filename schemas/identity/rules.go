package identity

import _ "embed"

// RulesSchema is the JSON Schema (2020-12) of identity rules. It cannot say everything: whoever reads rules also refuses
// regions and domains that are none, names that are there twice, and aliases of aliases.
//
//go:embed rules.schema.json
var RulesSchema []byte
