package gqlhttp

// HoldParting has no socket whose connection has ended be ended until it is let go of.
func (t *Transport) HoldParting() (letGo func()) {
	t.parting.Lock()
	return t.parting.Unlock
}
