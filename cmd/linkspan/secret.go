package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// minSecretBytes is the least length of a secret for HS256: that of the hash (RFC 7518, section 3.2).
	minSecretBytes = 32
	// devKeyFile is the dev server's signing key, in LINKSPAN_DATA.
	devKeyFile = "dev.key"
)

// secretsFromEnv are the keys that tokens may be signed with: LINKSPAN_JWT_SECRET, which new ones are, and
// LINKSPAN_JWT_SECRET_PREVIOUS. None where none is given.
func secretsFromEnv() (secrets [][]byte, err error) {
	for _, name := range []string{"LINKSPAN_JWT_SECRET", "LINKSPAN_JWT_SECRET_PREVIOUS"} {
		secret := []byte(os.Getenv(name))
		if len(secret) == 0 {
			continue
		}
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("%s has %d bytes: give a random key of at least %d, "+
				"such as `openssl rand -hex 32` prints", name, len(secret), minSecretBytes)
		}
		secrets = append(secrets, secret)
	}
	switch {
	case len(secrets) == 1 && os.Getenv("LINKSPAN_JWT_SECRET") == "":
		return nil, errors.New("LINKSPAN_JWT_SECRET_PREVIOUS is set without LINKSPAN_JWT_SECRET: set that to the secret of new " +
			"tokens, or unset the previous one")
	case len(secrets) == 2 && bytes.Equal(secrets[0], secrets[1]):
		return nil, errors.New("LINKSPAN_JWT_SECRET and LINKSPAN_JWT_SECRET_PREVIOUS are the same: give the first a new value, " +
			"or unset the previous one")
	}
	return secrets, nil
}

// signingSecret is the key to sign tokens with: LINKSPAN_JWT_SECRET, else the dev server's. It never makes one.
func signingSecret(dataDir string) ([]byte, error) {
	secrets, err := secretsFromEnv()
	if err != nil {
		return nil, err
	}
	if len(secrets) > 0 {
		return secrets[0], nil
	}
	return devKey(dataDir)
}

// devKey reads the dev server's key.
func devKey(dataDir string) ([]byte, error) {
	key, err := os.ReadFile(filepath.Join(dataDir, devKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no dev data in %s: run `make run` first (or set LINKSPAN_DATA, or LINKSPAN_JWT_SECRET)",
			dataDir)
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
