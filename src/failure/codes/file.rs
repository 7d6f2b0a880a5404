//! Why one file failed.

use super::{CodeEntry, CodeKind};

codes! {
    /// Why one file failed. The part before the dot is the stage of the work that refused it.
    FileCode, File:

    DiscoverNotFound {
        code: "discover.not-found",
        sentence: "the path does not exist",
        hint: "check the path or the list that named it",
        explanation: "A path on the command line, or in a list given with `--files-from`, leads to \
            no file or folder. fwupload counts it as a failed file, because a misspelt path must \
            not look like an empty folder. Check the spelling, the current folder and whether a \
            network share is mounted. Patterns such as `*.dcm` are expanded by the shell, and only \
            outside of quotes.",
    }
    DiscoverChangedSincePlan {
        code: "discover.changed-since-plan",
        sentence: "the file is not as it was when the plan was made",
        hint: "make a new plan with `fwupload plan`",
        explanation: "`--from-plan` reads files that a plan lists, and this one has another size, time \
            of change or study than the plan says. It may belong to another shard now, and two shards \
            that send one study make its session twice, so it is not sent. Make a new plan once \
            nothing writes to the data; what arrived is not sent again.",
    }
    DiscoverUnreadable {
        code: "discover.unreadable",
        sentence: "the path cannot be read",
        hint: "check the permissions of the file and of the folders above it",
        explanation: "The operating system does not let this account open the file or list the \
            folder. What cannot be read can be neither cleaned nor sent. Run fwupload as a user \
            who may read the data, or ask the owner of the data for read permission.",
    }
    DiscoverSpecial {
        code: "discover.special-file",
        sentence: "the path is neither a file nor a folder",
        hint: "name regular files and folders only",
        explanation: "The path is a device, a socket or a named pipe. fwupload reads a file more \
            than once, to clean it and to check that it has not changed, which only a regular file \
            allows. Copy the data into a regular file and name that.",
    }
    DiscoverLoop {
        code: "discover.symlink-loop",
        sentence: "a symbolic link leads back to a folder above it",
        hint: "remove the link, or run without `--follow`",
        explanation: "With `--follow`, a symbolic link leads back to a folder that contains it, so \
            that the walk would never end. The link is left out and everything else is read. \
            Remove the link, or leave `--follow` out.",
    }
    DiscoverOther {
        code: "discover.other-file",
        sentence: "the file is not DICOM and `--other-files fail` was given",
        hint: "move the file elsewhere, or use `--other-files skip`",
        explanation: "The file is not DICOM, and `--other-files fail` asks to be told of such \
            files. Nothing is wrong with the file itself. Move it elsewhere, leave it out with \
            `--exclude`, or let `--other-files skip` count it as skipped.",
    }
    DiscoverArchive {
        code: "discover.archive",
        sentence: "the file is an archive and is not read",
        hint: "unpack it and name the folder that it was unpacked into",
        explanation: "Zip, tar, tar.gz and gz are read like folders. This file is of another kind \
            (7z, rar, xz, zstd, bzip2, an image of a disc, a zip in several parts), or `--archives` \
            says that archives are not read, or it was to go as it is with `--other-files upload` \
            and cannot be read to its end to see whether DICOM is in it. Because it may hold \
            uncleaned DICOM it is not sent. Unpack it and name the folder.",
    }
    DiscoverDamagedArchive {
        code: "discover.damaged-archive",
        sentence: "the archive is damaged, or not all of it is there",
        hint: "copy or download the archive again; nothing of it was sent",
        explanation: "The archive has no end, a directory that does not fit what stands before it, \
            bytes behind its end, or a checksum that is wrong for the whole of it. Which of its \
            members are whole, and whether some are missing, cannot be told then, so none is read. \
            Mostly a download or a copy broke off: fetch the archive again. Where it cannot be had \
            again, repair it with a program for archives, look at what came out and name that.",
    }
    DiscoverArchiveLimit {
        code: "discover.archive-limit",
        sentence: "the archive goes beyond what is read of one",
        hint: "unpack it where there is room for it, and name the folder that it was unpacked into",
        explanation: "An archive is read as a folder up to 1,000,000 members, up to 4 GiB and 250 \
            times its own size when inflated, and with archives in it, but none in those. One that \
            goes beyond is mostly made to keep programs busy. Where it is what it should be, unpack \
            it yourself and name the folder.",
    }
    DiscoverEncrypted {
        code: "discover.encrypted",
        sentence: "the member of the archive is encrypted",
        hint: "unpack the archive with its password, and name the folder that it was unpacked into",
        explanation: "The member was encrypted when the archive was made. fwupload asks for no \
            passwords of archives and cannot look into it, so it is not sent. Other members of the \
            archive are not concerned. Unpack it with its password and name the folder.",
    }
    DiscoverMemberName {
        code: "discover.member-name",
        sentence: "the name of the member says no place inside the archive, or not one alone",
        hint: "unpack the archive into an empty folder, look at what came out, and name the folder",
        explanation: "The name has `..`, begins at the root or with a drive, holds a backslash, a \
            control character or `::`, is longer than 4096 bytes, or stands twice in the archive. \
            fwupload writes no member to the disk, so that such a name does no harm here, but it \
            is a sign of an archive made by mistake or for an attack, and of two members of one \
            name it cannot be told which is meant. Such members are not sent; the others are. \
            Archives with backslashes come from old programs for Windows: pack the folder again.",
    }
    DiscoverMemberKind {
        code: "discover.member-kind",
        sentence: "the member of the archive is not a file that can be read there",
        hint: "unpack the archive, and name the folder that it was unpacked into",
        explanation: "The member is a link, a device, a file with holes, or compressed in a way that \
            fwupload does not read (it reads members of zips that are stored or deflated). What a \
            link leads to may lie anywhere, so it is not followed. Other members are not concerned. \
            Unpack the archive and name the folder, or pack it again with `zip` or `tar \
            --dereference --hard-dereference`.",
    }
    DiscoverHoldsDicom {
        code: "discover.holds-dicom",
        sentence: "the file is not read as DICOM, and DICOM stands in it, which cannot be cleaned \
            there",
        hint: "make DICOM files of it (unpack it, or repair its beginning), so that they are \
            cleaned, or leave it out with `--exclude`",
        explanation: "The file would be sent as it is, since it does not begin as a DICOM file \
            does, but a DICOM data set stands further inside. No profile would clean that data \
            set, so the file is not sent. Unpack it or repair its beginning, so that fwupload \
            reads it as DICOM and cleans it, or leave it out with `--exclude`.",
    }
    ReadNotDicom {
        code: "read.not-dicom",
        sentence: "the file was named and is not DICOM",
        hint: "name DICOM files, or a folder to have other files skipped",
        explanation: "A file that was named on the command line or in a list is not DICOM. In a \
            folder such a file is skipped; a file that was named is expected to be sent, so it \
            fails instead. Take it off the list, or name the folder.",
    }
    ReadDicomdir {
        code: "read.dicomdir",
        sentence: "a DICOMDIR was named; its byte offsets would be wrong after cleaning",
        hint: "name the folder instead: DICOMDIR is skipped and the files it lists are read",
        explanation: "A DICOMDIR is the table of contents of a DICOM medium. It holds names of \
            patients and byte offsets that are wrong once files are cleaned, so it is never sent. \
            Name the folder: the files that the DICOMDIR lists are found and read without it.",
    }
    ReadIo {
        code: "read.io",
        sentence: "reading the file failed",
        hint: "check the disk or share it lies on and run again",
        retryable: true,
        explanation: "The operating system reported an error while the file was read, for example \
            a broken disk, a network share that went away or too many open files. The message says \
            which. Run the same command again once the cause is gone; what arrived is not sent \
            twice.",
    }
    ReadChanged {
        code: "read.changed",
        sentence: "the file changed while it was being worked on",
        hint: "wait until nothing writes to it and run again",
        retryable: true,
        explanation: "Length, time of change or content of the file was another at the end of \
            reading than at the beginning. fwupload sends only what it has cleaned and checked as \
            a whole, so the file is not sent. Wait until the scanner, export or copy that writes \
            it has ended, and run the same command again.",
    }
    ReadDamagedMember {
        code: "read.damaged-member",
        sentence: "the member of the archive is damaged",
        hint: "copy or download the archive again",
        explanation: "Length or checksum of the member are not what the archive states, it does not \
            inflate, lies where another member lies, or the archive says two things about it in \
            two places. Each member is read to its end and summed before any of it is sent, so \
            nothing of it was. Other members are not concerned. Fetch the archive again.",
    }
    ReadTruncated {
        code: "read.truncated",
        sentence: "the file ends inside a data element",
        hint: "export or copy the file again from where it came from",
        explanation: "The file ends in the middle of a data element or of the pixel data. Usually \
            a copy or an export was interrupted or a disk was full. An incomplete file is not \
            sent, because the server would take it for the whole one. Fetch it again from the \
            archive or the scanner.",
    }
    ReadOverrun {
        code: "read.overrun",
        sentence: "a data element claims more bytes than there are around it",
        hint: "the file is damaged: export it again from where it came from",
        explanation: "A data element or a sequence item states a length that reaches beyond the \
            item or data set around it. It cannot be told where the next element begins, so \
            nothing in the file can be cleaned with certainty. The file is damaged: fetch it again \
            from where it came from.",
    }
    ReadTooDeep {
        code: "read.too-deep",
        sentence: "sequences are nested deeper than 64 levels",
        hint: "no scanner writes such a file: check where it came from",
        explanation: "Sequences lie inside each other to more than 64 levels. Real files have \
            fewer than ten; more of them are a sign of damage or of an attack on programs that \
            read DICOM. Find out which program wrote the file.",
    }
    ReadHeaderTooLarge {
        code: "read.header-too-large",
        sentence: "the data elements around the pixel data exceed the header limit",
        hint: "raise `--max-header` if the file is what it should be",
        explanation: "Everything around the pixel data is held in memory to clean it, up to the \
            limit of `--max-header` (64 MiB). Very large reports, segmentations and private \
            elements can exceed it, and so can a damaged file that claims absurd lengths. Where \
            the file is right, give a larger limit, as in `--max-header 256MiB`.",
    }
    ReadSyntax {
        code: "read.unsupported-syntax",
        sentence: "the transfer syntax is unknown or cannot be carried over unchanged",
        hint: "convert the file to a standard transfer syntax first",
        explanation: "The transfer syntax in the file meta information is missing, private or not \
            one that fwupload can write back byte for byte. Cleaning such a file could damage it \
            or pass over data. Convert it to a standard transfer syntax, for example with dcmconv \
            or gdcmconv, and try again.",
    }
    ReadMalformed {
        code: "read.malformed",
        sentence: "the bytes are not a DICOM data set",
        hint: "the file is damaged: export it again from where it came from",
        explanation: "After the beginning that marks a DICOM file there are bytes that cannot be \
            read as data elements. What cannot be read cannot be cleaned. Fetch the file again \
            from where it came from; if other programs open it, report the file's kind (not the \
            file) as a bug.",
    }
    ReadDuplicateElement {
        code: "read.duplicate-element",
        sentence: "a data element appears twice in one data set",
        hint: "repair the file: it is unclear which of the two values counts",
        explanation: "One tag stands twice in the same data set, which DICOM forbids. Programs \
            differ in which of the two values they use, so that cleaning one of them could leave \
            the other. Have the program that wrote the file corrected, or repair the file.",
    }
    ReadTrailing {
        code: "read.trailing-data",
        sentence: "bytes follow the end of the data set",
        hint: "repair the file: bytes outside the data set cannot be cleaned",
        explanation: "After the last data element there are bytes that belong to none. No rule of \
            a profile reaches them, and they may hold anything, so the file is not sent. Fetch the \
            file again, or remove those bytes; padding with zeros is accepted.",
    }
    ReadMislabelled {
        code: "read.mislabelled",
        sentence: "the pixel data is not what the transfer syntax says",
        hint: "export the file again from where it came from, or correct its transfer syntax",
        explanation: "The pixel data is not of the kind that the transfer syntax in the file meta \
            information promises, for example JPEG frames in a file that claims to be \
            uncompressed. Rules for images could not be carried out on it. Export the file again, \
            or have its transfer syntax corrected.",
    }
    ReadDeflate {
        code: "read.deflate",
        sentence: "the deflated data set is damaged or grows beyond the limit",
        hint: "export the file again, or raise `--max-header` if it is what it should be",
        explanation: "The data set is stored deflated, and it cannot be inflated: its stream is \
            damaged or grows beyond the limit of `--max-header`. The limit protects against small \
            files that grow to fill the memory. Export the file again, or give a larger limit \
            where the file is right.",
    }
    DeidRule {
        code: "deid.rule-failed",
        sentence: "a rule of the profile cannot be carried out on this file",
        hint: "ask an administrator to change the rule that the message names",
        explanation: "A rule of the profile could not do to this file what it says, for example \
            because a value matches none of its regular expressions. A rule that is skipped would \
            leave what it should have removed, so the file is not sent. The message names the rule \
            by its position. An administrator of the project changes it: often an expression has \
            to match more values, or `remove` does as well.",
    }
    DeidDate {
        code: "deid.unparseable-date",
        sentence: "a date does not have the format that the profile states",
        hint: "correct the file, or have the rule changed to `remove` or `replace-with`",
        explanation: "A date, time or age that the profile wants to shift does not have the format \
            that the profile states. Left as it is it would be the original date. An administrator \
            sets `date-format` to what the files hold, or changes the rule to `remove` or \
            `replace-with`; in a profile with `[dicom.dates]`, `unparseable = \"by-type\"` removes \
            such values wherever the attribute may be absent or empty.",
    }
    DeidText {
        code: "deid.unencodable-text",
        sentence: "a new value cannot be written in the file's character set",
        hint: "have the rule changed to write plain ASCII",
        explanation: "A rule writes text that the character set of the file, or the length that \
            the element may have, does not allow. Writing something else instead would damage the \
            value without a word. An administrator changes the rule to write plain ASCII or a \
            shorter text.",
    }
    DeidTarget {
        code: "deid.unsupported-target",
        sentence: "the rule's action does not apply to a data element of this VR",
        hint: "have the rule changed to an action that fits the VR, often `remove`",
        explanation: "The rule asks for something that this data element does not allow, for \
            example a hash of pixel data or a shifted number where the element holds a name. The \
            message names the rule and the VR. An administrator changes the rule to an action that \
            fits, often `remove` or `replace-with`.",
    }
    DeidValue {
        code: "deid.unreadable-value",
        sentence: "an attribute that the file needs holds something that is not one of its values",
        hint: "repair the file: export it again from where it came from",
        explanation: "An attribute that the image cannot do without, for example Rows or the pixel \
            data, holds something that its VR does not allow. It cannot be cleaned as what it \
            claims to be, and removing it would make the file useless. Fetch the file again, or \
            have the program that writes it corrected.",
    }
    DeidCharacterSet {
        code: "deid.character-set",
        sentence: "the file names a character set that the standard does not have",
        hint: "correct SpecificCharacterSet in the file",
        explanation: "SpecificCharacterSet (0008,0005) names none of the character sets that DICOM \
            defines. Without it the texts of the file cannot be read, and so neither cleaned nor \
            searched. Correct the attribute in the file; common misspellings are understood \
            already.",
    }
    DeidDocument {
        code: "deid.document",
        sentence: "the file holds a document, which cannot be looked into",
        hint: "have the profile say `encapsulated = \"remove\"` or `\"keep\"` in \
            `[dicom.confidentiality]`",
        explanation: "The file carries a document (PDF, CDA, STL and the like) inside its data \
            set. fwupload cannot look into documents, and reports and letters mostly name the \
            patient. An administrator decides in `[dicom.confidentiality]`: `encapsulated = \
            \"remove\"` empties the document, `\"keep\"` sends it as it is.",
    }
    DeidPixels {
        code: "deid.pixels",
        sentence: "what the profile wants done to the image cannot be done on this file",
        hint: "convert the file to an uncompressed transfer syntax, or have the profile's \
            `alter_pixels` or `regions` leave such files out",
        explanation: "The profile blanks regions of images or cleans what lies beside them, and \
            that cannot be done on this file: its image is in a compression that fwupload does not \
            decode, or its attributes and its pixel data contradict each other. An image that \
            should have been blanked is not sent unblanked. Convert the file to an uncompressed \
            transfer syntax; or an administrator lets `alter_pixels` or `[[dicom.pixels.regions]]` \
            leave such files out.",
    }
    DeidBurnedIn {
        code: "deid.burned-in",
        sentence: "the image may show text that identifies the patient, and it is not certain that \
            all of it is blanked",
        hint: "add a `[[dicom.pixels.regions]]` entry for the device (`blank = []` where nothing \
            is burned in), or say `burned-in = \"keep\"` in `[dicom.pixels]`",
        explanation: "Ultrasound, secondary captures, dose screens and the like often show the \
            patient's name in the picture itself. The header of this file says that it may be such \
            an image, and it could not be blanked for certain: the profile does not say what to \
            blank, or text was looked for (`burned-in = \"detect\"` in `[dicom.pixels]`) and is \
            left after blanking, fills too much of the picture, or was not found. An administrator \
            adds an entry `[[dicom.pixels.regions]]` for the device, with `blank = []` where a \
            look at its images (`--pictures DIR`) shows nothing burned in. `burned-in = \"keep\"` \
            sends all such images unblanked.",
    }
    DeidTextFound {
        code: "deid.text-found",
        sentence: "the image shows what is likely text, where none is expected",
        hint: "look at it (`--pictures DIR`); then name the place in `[[dicom.pixels.regions]]`, or \
            say `blank-finds = true` in `[dicom.pixels]`",
        explanation: "The pixels were looked at, and something in them is likely text: it stands at \
            the same place in several frames or slices, or is very plain; or the image is of a \
            class, as enhanced CT and MR are, that has to state that it shows none. In images such \
            as CT, MR or X-ray, what looks like text may be anatomy, so nothing is blanked on a \
            guess. Run again with `--dry-run --pictures DIR` and look at the pictures that it writes. Where \
            it is text, an administrator names the place in `[[dicom.pixels.regions]]`, or has all \
            finds blanked by `blank-finds = true` in `[dicom.pixels]`; where it is none, \
            `other-images = \"keep\"` lets such images through.",
    }
    DeidFace {
        code: "deid.face",
        sentence: "a face can be made of the images of this series, and the profile refuses that",
        hint: "remove the face first with a tool for it (a defacer), or say `faces = \"keep\"` in \
            `[dicom.pixels]`",
        explanation: "The series is a CT or MR of a head with enough slices to make a face of, which \
            may be recognised. The program does not alter faces, and the profile says `faces = \
            \"refuse\"`. Deface the images before the upload, or have an administrator say `faces = \
            \"keep\"` in `[dicom.pixels]` where that is agreed on.",
    }
    DeidEnvelope {
        code: "deid.envelope",
        sentence: "the encrypted envelope of the file cannot be used",
        hint: "give the profile the key that the envelope was sealed with",
        explanation: "The profile encrypts into, or decrypts from, the Encrypted Attributes \
            Sequence, and the one in this file is missing, damaged or sealed with another key. \
            Give the profile the `secret-key` or `private-key` that matches. Where only some files \
            have an envelope, an administrator leaves `decrypt` out of the profile for the others.",
    }
    DeidFilename {
        code: "deid.filename",
        sentence: "the profile's `filenames` give this file no name",
        hint: "ask an administrator to change the `filenames` entry that the message names, or to \
            add one for such files",
        explanation: "The profile has a list `filenames`, and no entry of it gives this file a \
            name: no expression matches its path, or a captured piece cannot be changed as the \
            entry says. Without a name by the profile a part of the original path could be sent. \
            An administrator adds an entry that matches such files, or changes the one that the \
            message names.",
    }
    DeidLongUid {
        code: "deid.uid-too-long",
        sentence: "a UID that would be written has more than 64 characters",
        hint: "correct the file, or have the profile map its UIDs",
        explanation: "A UID may have 64 characters, and one that would be written has more. Other \
            programs cut or refuse such files. Correct the UID in the file, or an administrator \
            has the profile map UIDs, which makes new ones of the right length.",
    }
    DeidVerify {
        code: "deid.verification",
        sentence: "what was written does not read back as intended",
        hint: "report this as a bug; the file was not sent",
        explanation: "Each cleaned file is read back before it is sent, and this one does not come \
            out as it was written. That is a defect of fwupload. Nothing of the file was sent. \
            Please report it with the message, the modality and the manufacturer, and without the \
            file or any patient data.",
    }
    DeidTooCostly {
        code: "deid.too-costly",
        sentence: "checking the file for what was removed from it would take more time or memory \
            than one file may",
        hint: "no scanner writes such a file: look where it came from, and leave it out or have it \
            exported again",
        explanation: "The file is built so that searching it for what was removed would take far \
            more time or memory than its size explains. The limit is a hundred times what files of \
            scanners need. Find out which program wrote the file, and leave it out with \
            `--exclude` or have it exported again.",
    }
    DeidPanic {
        code: "deid.internal",
        sentence: "cleaning this file hit a defect in fwupload",
        hint: "report this as a bug; the file was not sent",
        explanation: "Cleaning this file ran into a defect of fwupload. The file was not sent, and \
            the other files went on. Please report the message and the version (`fwupload \
            --version`), without the file or any patient data.",
    }
    ResidualLeft {
        code: "residual.identifier-left",
        sentence: "a value that was removed or changed still stands in what would be sent",
        hint: "have the profile remove or clean the attribute that the message names, or send it \
            all the same with `--residual warn`",
        explanation: "After cleaning, everything that is about to be sent is searched for the \
            values that were removed or changed. One of them was found again, for example the \
            patient's name inside a comment. The message names the attribute, never the value. An \
            administrator has the profile remove or clean that attribute, or names it with `keep` \
            where the value is meant to stay; `--residual warn` sends such files with a warning.",
    }
    RouteMissingUid {
        code: "route.missing-uid",
        sentence: "the instance has no SOP, series or study UID after cleaning",
        hint: "the file cannot be placed: correct it, or have the profile keep or map its UIDs",
        explanation: "The server keeps images by study, series and instance, and a UID of one of \
            these is missing or was removed by the profile. An administrator has the profile keep \
            or map StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID. Where the file itself \
            lacks one, it has to be corrected.",
    }
    RouteNoSubject {
        code: "route.no-subject",
        sentence: "no Patient ID is left after cleaning, so there is no subject label",
        hint: "have the profile replace PatientID instead of removing it; or give subjects by \
            `--subjects TABLE`, or by `--subject LABEL` with a run for each patient",
        explanation: "The subject label is made from the Patient ID after cleaning, and none is \
            left. A label made from anything else could identify the patient. An administrator \
            changes the rule for PatientID from `remove` to `replace-with`, `hash` or a pseudonym; \
            or a table of your own gives the subjects (`--subjects`), or each patient is sent in a \
            run of its own with `--subject LABEL`.",
    }
    RouteNotInTable {
        code: "route.not-in-table",
        sentence: "the table of `--subjects` has no row for the file",
        hint: "add a row for it to the table, or leave the file out with `--exclude`",
        explanation: "With `--subjects`, the table alone says which subject a file belongs to, and \
            no row of it has the file's own values or path. Rows that come near, as `00123` does \
            to `123`, are named by their lines and never taken: they may be another patient's. Add \
            a row, or correct the one that was meant, and run again.",
    }
    RouteTableUnclear {
        code: "route.table-unclear",
        sentence: "several rows of the table of `--subjects` fit the file equally well",
        hint: "write the path of one of them out further: the longest that fits wins",
        explanation: "The longest path that fits a file decides, and here several patterns of the \
            same length fit it and give different subjects, sessions or acquisitions. Which is \
            meant cannot be told, so the file is not sent. Write one of the paths out further, or \
            add a row for the file itself.",
    }
    RouteMissingLabel {
        code: "route.missing-label",
        sentence: "the rules leave a label open that the file needs",
        hint: "map it from the path or the cleaned header, or give it as a default; `fwupload rules \
            test` shows what each rule made",
        explanation: "A file at a level needs the labels of all levels above it too, and neither a \
            mapping, nor the cleaned header, nor a default of the rule that takes the file gives \
            one of them. Folder names are not taken for it unless the rules say so \
            (`folder-labels`), since they often identify. The message names the label.",
    }
    RouteRuleFailed {
        code: "route.rule-failed",
        sentence: "the rule that takes the file cannot say where it goes",
        hint: "correct the rule; `fwupload rules test` shows what each rule makes of the file",
        explanation: "A rule takes the file and then cannot be carried out on it: the format of a \
            field does not fit its value, a number is asked for where there is none, a pattern \
            would take too long, or a rule for DICOM takes a file that is none. The message names \
            the rule and its part. A guess could send the file to the wrong place, so it is not \
            sent.",
    }
    RouteDateFromPath {
        code: "route.date-from-path",
        sentence: "a label from the path holds a date, and the profile changes dates",
        hint: "map another part of the path, or say `dates-from-path: true` in the rules if the date \
            may be known",
        explanation: "The profile moves or removes dates, and a label or field that a rule takes from \
            the path of the file looks like one. Beside dates that were moved it would tell by how \
            much, and undo it for every file of the patient. Map another part of the path. Where \
            the date may be known, or is none, `dates-from-path: true` in the rules says so.",
    }
    RouteIdentifierInLabel {
        code: "route.identifier-in-label",
        sentence: "a label or name by the rules holds a value that cleaning removed",
        hint: "map another part of the path, or give subjects by `--subjects TABLE`; `--residual \
            warn` lets it pass",
        explanation: "What the rules make for the file, from its path or from a constant, holds what \
            cleaning removed from its header: a name, an identifier, a date of birth. The message \
            says which label and which attribute, and no value. Map a part of the path that does \
            not identify, or use a table of your own. `--residual warn` sends it all the same.",
    }
    RouteUncleaned {
        code: "route.uncleaned",
        sentence: "the rule that takes the file does not allow files that are not cleaned",
        hint: "add `allow-uncleaned: true` to the rule, if its files may go as they are",
        explanation: "Files that are not DICOM are never de-identified. With `--other-files upload` \
            and rules, each rule that is to take such files has to say `allow-uncleaned: true`, so \
            that a rule for images does not send a spreadsheet along.",
    }
    RouteDuplicate {
        code: "route.duplicate-instance",
        sentence: "two different files carry the same SOP Instance UID",
        hint: "remove the wrong one, or have the profile map instance UIDs one to one",
        explanation: "Two files with different content have the same SOP Instance UID after \
            cleaning. The server would keep only one of them, and it cannot be told which is the \
            right one, so both fail. Remove the wrong copy. If the originals have different UIDs, \
            an administrator changes the rule that makes them equal, for example one that writes a \
            constant.",
    }
    RouteUnclear {
        code: "route.unclear",
        sentence: "the file is not DICOM, and which container it belongs to is not known",
        hint: "have the DICOM files beside it sent first, then run again; or leave it out with \
            `--exclude`",
        retryable: true,
        explanation: "With `--other-files upload`, a file that is not DICOM goes to the container \
            of the DICOM files in its folder. Those failed, so it is not known which container \
            that is, and a wrong one could show it under another patient. Repair the DICOM files \
            and run again, or leave the file out with `--exclude`.",
    }
    PackageName {
        code: "package.name",
        sentence: "the package's name cannot be made unique in its acquisition",
        hint: "pass other labels, or upload the series one at a time",
        explanation: "Two packages of one acquisition come out with the same name, and numbering \
            them does not tell them apart from one run to the next. One would replace the other on \
            the server. Choose other labels, or send the series in separate runs.",
    }
    ReviewChanged {
        code: "review.changed",
        sentence: "the series is not as it was when it was approved",
        hint: "review it again: `--review FILE.html`",
        explanation: "`--approved` sends series whose cleaned bytes are those that were shown for \
            review. Of this one files were added, removed or changed since then, or its labels are \
            others. What would be sent now was not seen, so it is not sent. Write a new page with \
            `--review FILE.html` and decide again.",
    }
    OutputWrite {
        code: "output.write",
        sentence: "writing into the output folder failed",
        hint: "check space and permissions of the folder",
        explanation: "A package could not be written into the folder of `--output`. No partial \
            package is left there. Make room on the disk, check the permissions of the folder, and \
            run the same command again.",
    }
    UploadExists {
        code: "upload.exists",
        sentence: "a file of this name is already there",
        hint: "use `--if-exists replace` to add a new version, or `--if-exists skip` to accept a \
            file of the same content",
        explanation: "The container on the server, or the folder of `--output`, already has a file \
            of this name with other content, or `--if-exists fail` was given. fwupload replaces \
            nothing unasked but what an earlier run of its own sent. Compare the two; `--if-exists \
            replace` adds a new version, and `--if-exists skip` counts a file of the same content \
            as done.",
    }
    UploadPartOfSeries {
        code: "upload.part-of-series",
        sentence: "the package on the server holds instances of this series that are not among the \
            files of this run",
        hint: "run again with all files of the series; or, if they are to go, let `--supersede` \
            replace the package by what this run has",
        explanation: "An earlier run sent this series with instances that are not among the files \
            of this run. Replacing the package would lose them on the server. Run again with all \
            files of the series together. `--supersede` replaces the package by what this run has, \
            and the other instances are gone.",
    }
    UploadStudyElsewhere {
        code: "upload.study-elsewhere",
        sentence: "the study is in the project already, under another subject",
        hint: "look at both subjects on the server: one of them may have the wrong label; or leave \
            `--if-study-elsewhere fail` out to have it sent all the same",
        explanation: "A study with the same UID lies in the project already, under another \
            subject, and `--if-study-elsewhere fail` was given. Sending it again could show one \
            person as two. Compare both subjects on the server; where the second label is right, \
            leave the flag out and the study is sent with a warning.",
    }
    UploadRejected {
        code: "upload.rejected",
        sentence: "the server refused the upload",
        hint: "read the server's message; the request id helps its support",
        explanation: "The server understood the request and refused it, for a reason that is not \
            one of permission, size or conflict. Trying again gives the same answer. The message \
            quotes what the server says; its support can find the request by the id in the report.",
    }
    UploadForbidden {
        code: "upload.forbidden",
        sentence: "the server does not let you upload here",
        hint: "ask for write permission in the project",
        explanation: "The API key is valid, and the server does not let its user upload into this \
            container. Ask an administrator of the project for a role that may upload files, and \
            run the same command again.",
    }
    UploadNotFound {
        code: "upload.not-found",
        sentence: "the destination vanished while uploading",
        hint: "check on the server whether it was deleted and run again",
        explanation: "The session or acquisition was there when the run began and is no more: \
            another program or person deleted or moved it. Look at the project on the server, then \
            run the same command again; what is missing is created again.",
    }
    UploadConflict {
        code: "upload.conflict",
        sentence: "the server reports a conflict that did not go away",
        hint: "run again; if it stays, look at the container on the server",
        retryable: true,
        explanation: "The server reports that another request changed the same container at the \
            same time, and went on to do so after several tries. Another upload into the project \
            is the usual cause. Run the same command again; if the conflict stays, look at the \
            container on the server.",
    }
    UploadTooLarge {
        code: "upload.too-large",
        sentence: "the server or a proxy refused the size of the upload",
        hint: "try `--package instance`, or have the limit raised",
        explanation: "The server, or a proxy in front of it, accepts no upload of this size. The \
            file itself is fine. Ask the site's administrator to raise the limit; `--package \
            instance` sends the instances one by one, which are smaller.",
    }
    UploadThrottled {
        code: "upload.throttled",
        sentence: "the server asked to slow down until the retries were used up",
        hint: "run again later, or with fewer `--uploads`",
        retryable: true,
        explanation: "The server answered that it receives too many requests, for longer than \
            `--retry-for` allows. Nothing is lost. Run the same command again later, or with fewer \
            uploads at a time, as in `--uploads 2`.",
    }
    UploadServer {
        code: "upload.server-error",
        sentence: "the server failed until the retries were used up",
        hint: "run again later; what is there already is not sent twice",
        retryable: true,
        explanation: "The server failed with an error of its own (HTTP 5xx) until the retries were \
            used up. The cause is on the server's side. Run the same command again later: what \
            arrived is not sent twice. If it stays, give the site's administrator the request id \
            in the report.",
    }
    UploadNetwork {
        code: "upload.network",
        sentence: "the connection failed until the retries were used up",
        hint: "check network and proxy and run again",
        retryable: true,
        explanation: "The connection to the server or to its storage host broke, or nothing moved \
            on it, until the retries were used up. Check the network, the VPN and the proxy, and \
            run the same command again: what arrived is not sent twice. `--no-signed-urls` avoids \
            a storage host that a firewall blocks.",
    }
    UploadUnconfirmed {
        code: "upload.unconfirmed",
        sentence: "the server did not confirm name and size of the file",
        hint: "look at the acquisition on the server and run again",
        retryable: true,
        explanation: "The server answered the upload without an error, but does not list the file \
            with the right name and size, or cannot be asked. fwupload calls a file uploaded only \
            when the server says so. Look at the acquisition on the server and run the same \
            command again, which compares before it sends.",
    }
    UploadDeidLog {
        code: "upload.deid-log",
        sentence: "the site's de-identification log did not accept the record",
        hint: "run again later; if it stays, ask the site's administrator about its log: nothing \
            is sent without a record",
        retryable: true,
        explanation: "The site keeps a de-identification log and requires a record of each series \
            before its files arrive. The log did not take the record, so the files were not sent. \
            Run the same command again later; if it stays, ask the site's administrator about the \
            log.",
    }
    UploadStopped {
        code: "upload.stopped",
        sentence: "the run stopped before this file was sent",
        hint: "run the same command again",
        retryable: true,
        explanation: "The run ended before this file was sent, because of an interruption, a limit \
            on failures or an error that stopped everything. The exit code is that of the reason. \
            Nothing is wrong with the file: run the same command again and it goes on from here.",
    }
}

impl FileCode {
    /// The part before the dot.
    pub fn stage(self) -> &'static str {
        self.entry().stage()
    }

    /// Whether running the same command again may succeed without anything being changed.
    pub fn retryable(self) -> bool {
        self.entry().retryable
    }
}
