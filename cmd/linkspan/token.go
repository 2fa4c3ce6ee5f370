package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/demo"
	"linkspan/internal/server"
)

// devKeyFile is the dev server's signing key, in LINKSPAN_DATA.
const devKeyFile = "dev.key"

// tokenCmd prints a signed token.
type tokenCmd struct {
	User     string        `arg:"" optional:"" placeholder:"USER@GROUP" help:"Whose token, as in ana@acme."`
	Role     string        `enum:"admin,member," default:"" env:"LINKSPAN_TOKEN_ROLE" help:"admin or member. Default: what the demo user is, else member."`
	TTL      time.Duration `name:"ttl" default:"24h" env:"LINKSPAN_TOKEN_TTL" help:"How long it is good for."`
	Operator bool          `env:"LINKSPAN_TOKEN_OPERATOR" help:"A token for an operator, who has no group and registers groups."`
	Data     string        `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is."`
}

// Help is shown below the flags.
func (tokenCmd) Help() string {
	return `It signs with LINKSPAN_JWT_SECRET if that is set, else with the key of the dev server in LINKSPAN_DATA. It asks no
server: a user is known from its first request.

  export LINKSPAN_TOKEN=$(linkspan token gil@globex)`
}

// Run implements the command.
func (c *tokenCmd) Run(context.Context) error {
	if c.Operator == (c.User != "") {
		return errors.New("name a user, as in `linkspan token ana@acme`, or give --operator")
	}
	if c.TTL <= 0 {
		return errors.New("--ttl must be positive, as in --ttl 24h")
	}
	secret := []byte(os.Getenv("LINKSPAN_JWT_SECRET"))
	if len(secret) == 0 {
		var err error
		if secret, err = devKey(c.Data); err != nil {
			return err
		}
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
		return server.SignToken(secret, claims, c.TTL)
	}
	claims, err := claimsOf(c.User)
	if err != nil {
		return "", err
	}
	if c.Role != "" {
		claims.Role = c.Role
	}
	return server.SignToken(secret, claims, c.TTL)
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

// devToken signs a token for USER@GROUP with the dev server's key.
func devToken(dataDir, user string, ttl time.Duration) (string, error) {
	secret, err := devKey(dataDir)
	if err != nil {
		return "", err
	}
	claims, err := claimsOf(user)
	if err != nil {
		return "", err
	}
	return server.SignToken(secret, claims, ttl)
}

// devKey reads the dev server's key. It never makes one.
func devKey(dataDir string) ([]byte, error) {
	key, err := os.ReadFile(filepath.Join(dataDir, devKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no dev data in %s: run `make run` first (or set LINKSPAN_DATA, or LINKSPAN_JWT_SECRET)", dataDir)
	}
	if err != nil {
		return nil, fmt.Errorf("the dev server's key can't be read: %w", err)
	}
	return []byte(strings.TrimSpace(string(key))), nil
}

// ensureDevKey returns the dev server's key, which is made with the first start: as a whole or not at all.
func ensureDevKey(dataDir string) ([]byte, error) {
	path := filepath.Join(dataDir, devKeyFile)
	if _, err := os.Stat(path); err == nil {
		return devKey(dataDir)
	}
	random := make([]byte, minSecretBytes)
	rand.Read(random)
	file, err := os.CreateTemp(dataDir, devKeyFile+".*")
	if err != nil {
		return nil, fmt.Errorf("the dev server's key can't be made: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(hex.EncodeToString(random) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("the dev server's key can't be made: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("the dev server's key can't be made: %w", err)
	}
	return devKey(dataDir)
}
