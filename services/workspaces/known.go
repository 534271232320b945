package workspaces

// Knows tells whether there is a workspace of the name: somebody has, or had, a key for it.
func (d *Directory) Knows(name string) bool {
	for _, k := range d.state.Load().keys {
		if k.Workspace == name {
			return true
		}
	}
	return false
}
