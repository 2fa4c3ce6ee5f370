package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (r viewer) AuditLog(
	ctx context.Context, v *channel.Viewer, first *int32, after *string, last *int32, before *string,
) (*channel.AuditEntryConnection, error) {
	return r.service.AuditLog(ctx, v, channel.PageArgs{First: first, After: after, Last: last, Before: before})
}
