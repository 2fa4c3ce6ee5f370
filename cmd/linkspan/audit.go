package main

// auditCmd has the commands about audits.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Report whatever was changed in the audits of groups."`
	Export auditExportCmd `cmd:"" help:"Write a group's audit to stdout, an entry a line."`
}

// Help is shown below the flags.
func (auditCmd) Help() string {
	return `Each group has an audit of what was decided and refused about its sharing: a chain of entries, which holds the chains of the groups
that it shares something with.`
}
