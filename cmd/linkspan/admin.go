package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

const (
	adminVariable = "LINKSPAN_ADMIN_LISTEN"
	// adminOff is what it is set to for no admin listener.
	adminOff = "off"
	// devAdminListen is where dev tells its metrics if nothing else is said.
	devAdminListen = "127.0.0.1:8081"
)

// listenAdmin listens on the address for metrics and pprof; nil if it is off, or not given and there is no other.
func listenAdmin(given, otherwise string) (net.Listener, error) {
	switch given {
	case adminOff:
		return nil, nil
	case "":
		if otherwise == "" {
			return nil, nil
		}
		listener, err := net.Listen("tcp", otherwise)
		if err != nil {
			return nil, &adminTakenError{otherwise, err}
		}
		return listener, nil
	}
	return listenOn(given, adminVariable, "127.0.0.1:8091")
}

// adminTakenError says that there will be no metrics, which nobody asked for by name.
type adminTakenError struct {
	address string
	err     error
}

func (e *adminTakenError) Error() string {
	why := "can't be listened on"
	if errors.Is(e.err, syscall.EADDRINUSE) {
		why = "is taken by another program"
	}
	return fmt.Sprintf("%s %s: going on without /metrics and pprof; %s chooses another address", e.address, why, adminVariable)
}

func (e *adminTakenError) Unwrap() error { return e.err }

// administer answers those who run the server on the listener, unless it is nil, until stop is called.
func (in *installation) administer(ctx context.Context, admin net.Listener) (stop func()) {
	if admin == nil {
		return func() {}
	}
	in.logger.InfoContext(ctx, "metrics and pprof", "address", admin.Addr().String())
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // also while the server drains
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := in.metrics.Serve(ctx, admin); err != nil {
			in.logger.ErrorContext(ctx, "the admin listener ended", "err", err)
		}
	})
	return func() {
		cancel()
		serving.Wait()
	}
}

// adminURL is where the metrics are, for a client on this machine; "" if nowhere.
func adminURL(admin net.Listener) string {
	if admin == nil {
		return ""
	}
	return "http://" + hereAt(admin.Addr()) + "/metrics"
}
