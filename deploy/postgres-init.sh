#!/bin/sh
# Run once by the image of PostgreSQL when its volume is empty: a role for Forage that is no superuser, and its database.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$FORAGE_DATABASE_PASSWORD" --username postgres <<'SQL'
CREATE ROLE forage LOGIN PASSWORD :'password';
CREATE DATABASE forage OWNER forage;
SQL
