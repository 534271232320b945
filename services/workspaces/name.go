package workspaces

import "crypto/sha256"

// KeyName is what people call a key; empty when it has no name or is not known.
func (d *Directory) KeyName(key string) string {
	return d.state.Load().keys[sha256.Sum256([]byte(key))].Name
}
