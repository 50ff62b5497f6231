#!/bin/sh
# Run once by the PostgreSQL image when its volume is empty: creates a role without superuser rights, and its database.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$FORAGE_DATABASE_PASSWORD" --username postgres <<'SQL'
CREATE ROLE forage LOGIN PASSWORD :'password';
CREATE DATABASE forage OWNER forage;
SQL
