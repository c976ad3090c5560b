"""`python -m hawkesjax` is the command line."""

from hawkesjax.cli.app import main

if __name__ == "__main__":
    main()
