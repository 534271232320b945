package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
)

type privacyCommands struct {
	Get getPrivacyCommand `cmd:"" help:"Print the rules in force."`
	Put putPrivacyCommand `cmd:"" help:"Put other rules in force, for what comes in from now on."`
}

const privacyPath = "/v1/privacy"

type getPrivacyCommand struct{ serverFlags }

func (c *getPrivacyCommand) Run(ctx context.Context) error {
	yaml, err := c.fetch(ctx, http.MethodGet, privacyPath, "", nil)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(yaml)
	return err
}

type putPrivacyCommand struct {
	serverFlags
	File string `arg:"" type:"existingfile" help:"The new privacy.yaml."`
}

func (c *putPrivacyCommand) Run(ctx context.Context) error {
	yaml, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	if _, err := c.fetch(ctx, http.MethodPut, privacyPath, "application/yaml", yaml); err != nil {
		return err
	}
	fmt.Println("The rules are in force for what comes in from now on.")
	return nil
}
