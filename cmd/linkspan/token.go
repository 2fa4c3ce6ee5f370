package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/demo"
	"linkspan/internal/server"
)

// tokenCmd prints a signed token.
type tokenCmd struct {
	claimFlags
	User     string        `arg:"" optional:"" name:"USER@GROUP" help:"Whose token, as in ana@acme."`
	Role     string        `enum:"admin,member," default:"" env:"LINKSPAN_TOKEN_ROLE" help:"admin or member. Default: what the demo user is, else member."`
	TTL      time.Duration `name:"ttl" default:"24h" env:"LINKSPAN_TOKEN_TTL" help:"How long it is good for."`
	Operator bool          `env:"LINKSPAN_TOKEN_OPERATOR" help:"A token for an operator, who has no group and registers groups."`
	Data     string        `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is."`
}

// Help is shown below the flags.
func (tokenCmd) Help() string {
	return `It signs with LINKSPAN_JWT_SECRET if that is set (at least 32 bytes), else with the key of the dev server in
LINKSPAN_DATA. It asks no server: a user is known from its first request.

  export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)`
}

// Run implements the command.
func (c *tokenCmd) Run(context.Context) error {
	if c.Operator == (c.User != "") {
		return errors.New("name a user, as in `bin/linkspan token ana@acme`, or give --operator")
	}
	if c.Operator && c.Role != "" {
		return errors.New("an operator has no other role: leave --role (LINKSPAN_TOKEN_ROLE) away, " +
			"or name a user instead of --operator")
	}
	if c.TTL <= 0 {
		return errors.New("--ttl must be positive, as in --ttl 24h")
	}
	if err := c.check(); err != nil {
		return err
	}
	secret, err := signingSecret(c.Data)
	if err != nil {
		return err
	}
	token, err := c.sign(secret)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

func (c *tokenCmd) sign(secret []byte) (string, error) {
	if c.Operator {
		claims := server.Claims{Role: server.RoleOperator}
		claims.Subject = "operator"
		return c.signToken(secret, claims, c.TTL)
	}
	claims, err := claimsOf(c.User)
	if err != nil {
		return "", err
	}
	if c.Role != "" {
		claims.Role = c.Role
	}
	return c.signToken(secret, claims, c.TTL)
}

// signToken signs a token with the claims that all have.
func (f claimFlags) signToken(secret []byte, claims server.Claims, ttl time.Duration) (string, error) {
	claims.Issuer, claims.Audience = f.Issuer, []string{f.Audience}
	return server.SignToken(secret, claims, ttl)
}

// claimsOf returns what a token says of USER@GROUP: of a demo user what it is there, of others that they are members.
func claimsOf(user string) (server.Claims, error) {
	sub, group, ok := strings.Cut(user, "@")
	if !ok || sub == "" || !channel.HandlePattern.MatchString(group) {
		return server.Claims{}, fmt.Errorf("%q is not USER@GROUP, as in ana@acme", user)
	}
	claims := server.Claims{Group: group, Role: server.RoleMember}
	claims.Subject = sub
	for _, known := range demo.Users {
		if known.Sub == sub && known.Group == group {
			claims.Name = known.Name
			if known.Admin {
				claims.Role = server.RoleAdmin
			}
		}
	}
	return claims, nil
}

// demoToken signs a token for USER@GROUP of the demo data.
func demoToken(flags claimFlags, dataDir, user string, ttl time.Duration) (string, error) {
	secret, err := signingSecret(dataDir)
	if err != nil {
		return "", err
	}
	return flags.signUser(secret, user, ttl)
}

// signUser signs a token for USER@GROUP.
func (f claimFlags) signUser(secret []byte, user string, ttl time.Duration) (string, error) {
	claims, err := claimsOf(user)
	if err != nil {
		return "", err
	}
	return f.signToken(secret, claims, ttl)
}
